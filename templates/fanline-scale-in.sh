#!/bin/bash
# Stops the worker before its Auto Scaling group ends the instance. The group waits
# meanwhile, in its lifecycle hook, until this says that the worker has finished.
set -u
metadata=${METADATA:-http://169.254.169.254/latest}
token() { curl -sf -X PUT -H "X-aws-ec2-metadata-token-ttl-seconds: 60" "$metadata/api/token"; }
get() { curl -sf -H "X-aws-ec2-metadata-token: $(token)" "$metadata/meta-data/$1"; }
until [ "$(get autoscaling/target-lifecycle-state)" = Terminated ]; do
  sleep "${LOOK_SECONDS:-5}"
done
systemctl stop fanline-worker
exec aws autoscaling complete-lifecycle-action --lifecycle-action-result CONTINUE \
  --auto-scaling-group-name "$GROUP" --lifecycle-hook-name finish-in-hand \
  --instance-id "$(get instance-id)" --region "$(get placement/region)"
