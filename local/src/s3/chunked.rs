//! The body of a put that the SDK sends in chunks of its own, with a checksum behind them.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html>

use bytes::{Bytes, BytesMut};
use hyper::header::HeaderMap;

/// The content of a body, out of its chunks if it has some; `None` where they are damaged.
pub(crate) fn content(headers: &HeaderMap, body: Bytes) -> Option<Bytes> {
    let digest = headers.get("x-amz-content-sha256");
    let is_chunked = digest.is_some_and(|digest| digest.as_bytes().starts_with(b"STREAMING-"));
    if is_chunked {
        unchunk(body)
    } else {
        Some(body)
    }
}

fn unchunk(mut body: Bytes) -> Option<Bytes> {
    let mut content = BytesMut::new();
    loop {
        let end = body.windows(2).position(|two| two == b"\r\n")?;
        let line = body.split_to(end);
        // A signature may stand behind the length.
        let length = line.split(|byte| *byte == b';').next()?;
        let length = std::str::from_utf8(length).ok()?;
        let length = usize::from_str_radix(length, 16).ok()?;
        if length == 0 {
            return Some(content.freeze());
        }
        // The end of the line, the chunk, and the end of its line.
        let chunk = body.get(2..2 + length)?;
        content.extend_from_slice(chunk);
        body = body
            .get(2 + length + 2..)
            .map(|rest| body.slice_ref(rest))?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &'static str) -> Option<Bytes> {
        let mut headers = HeaderMap::new();
        let kind = "STREAMING-UNSIGNED-PAYLOAD-TRAILER".parse().unwrap();
        headers.insert("x-amz-content-sha256", kind);
        content(&headers, Bytes::from_static(body.as_bytes()))
    }

    #[test]
    fn chunks_are_put_together_and_damaged_ones_are_none() {
        let plain = content(&HeaderMap::new(), Bytes::from_static(b"3\r\nabc"));
        assert_eq!(plain.as_deref(), Some(&b"3\r\nabc"[..]));
        let body = "3\r\nabc\r\nA;chunk-signature=0\r\n0123456789\r\n0\r\nx-amz-checksum:x\r\n";
        assert_eq!(read(body).as_deref(), Some(&b"abc0123456789"[..]));
        assert_eq!(read("0\r\n\r\n").as_deref(), Some(&b""[..]));
        for wrong in [
            "",
            "3",
            "3\r\nab",
            "3\r\nabc",
            "x\r\nabc\r\n",
            "3\r\nabc\r\n",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
