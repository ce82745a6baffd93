"""A real S3-speaking server (moto) on a free port of 127.0.0.1, with one bucket and one account. It checks every
request's signature, as S3 does, and keeps what it holds in memory.

Says "ready PORT" on its first line, then the account's key id and secret, one line each."""

import argparse
import json
import logging
import os
import socket

# Who may do what is checked from the first request on.
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "0"

from moto.iam.models import iam_backends  # noqa: E402
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: E402
from moto.s3.models import s3_backends  # noqa: E402
from werkzeug.serving import make_server  # noqa: E402

ACCOUNT = "123456789012"


def make_account(bucket, region):
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"],
                "Resource": "*",
            }
        ],
    }
    users = iam_backends[ACCOUNT]["aws"]
    users.create_user(region, "porchlight")
    users.put_user_policy("porchlight", "blobs", json.dumps(policy))
    return users.create_access_key("porchlight")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bucket", required=True)
    parser.add_argument("--region", required=True)
    options = parser.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    s3_backends[ACCOUNT]["aws"].create_bucket(options.bucket, options.region)
    key = make_account(options.bucket, options.region)
    listener = socket.create_server(("127.0.0.1", 0))
    application = DomainDispatcherApplication(create_backend_app)
    # One request after the other: moto serves none beside another that changes the same object.
    server = make_server("127.0.0.1", 0, application, threaded=False, fd=listener.fileno())
    print(f"ready {listener.getsockname()[1]}\n{key.access_key_id}\n{key.secret_access_key}", flush=True)
    server.serve_forever()


main()
