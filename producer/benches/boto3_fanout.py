"""The job of `benches/fanout.rs` as people do it without this project: boto3 and threads.

    python3 benches/boto3_fanout.py ENDPOINT LIST

Prints one line of JSON: seconds, CPU seconds, most memory in KiB. It looks for no duplicates, sends
no failed entry again and makes no retry key. It measures reading, rendering and sending only.
"""

import csv
import json
import resource
import sys
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import boto3
from botocore.config import Config

THREADS = 32


def entries(path):
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            text = f"早安 {row['name']}！今天的折扣碼：{row['code']}"
            yield json.dumps(
                {
                    "v": 1,
                    "run": "bench",
                    "channel": "line",
                    "recipients": [row["to"]],
                    "messages": [{"text": text, "type": "text"}],
                    "started_at": "2026-12-25T00:00:00Z",
                },
                ensure_ascii=False,
                separators=(",", ":"),
            )


def main(endpoint, path):
    sqs = boto3.client(
        "sqs",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        config=Config(max_pool_connections=THREADS),
    )
    url = f"{endpoint}/0/deliveries"

    def send(request):
        answer = sqs.send_message_batch(QueueUrl=url, Entries=request)
        assert len(answer["Successful"]) == len(request)

    began, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(THREADS) as pool:
        waiting, request = set(), []
        for body in entries(path):
            request.append({"Id": str(len(request)), "MessageBody": body})
            if len(request) == 10:
                waiting.add(pool.submit(send, request))
                request = []
            if len(waiting) >= THREADS * 2:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for sent in done:
                    sent.result()
        if request:
            waiting.add(pool.submit(send, request))
        for sent in waiting:
            sent.result()
    figures = {
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - cpu,
        "peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main(*sys.argv[1:])
