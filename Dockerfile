# The command, `fanline worker` by default: nothing else is in the image, not even a shell.
#
#   docker build --tag fanline .
#   docker run --read-only --env-file worker.env fanline worker --queue-url https://…
#
# The image has no temporary folder. A command that sorts a list or rehearses needs one:
# `--tmpfs /tmp`.
FROM rust:1.95-bookworm AS build
RUN apt-get update && apt-get install --yes --no-install-recommends musl-tools
WORKDIR /fanline
COPY . .
ARG FANLINE_COMMIT
ENV FANLINE_COMMIT=$FANLINE_COMMIT
RUN target="$(uname -m)-unknown-linux-musl" \
	&& rustup target add "$target" \
	&& cargo build --locked --release --package fanline --target "$target" \
	&& cp "target/$target/release/fanline" /fanline/fanline-command

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /fanline/fanline-command /fanline
# Nobody: the number needs no list of users.
USER 65532:65532
ENTRYPOINT ["/fanline"]
CMD ["worker"]
