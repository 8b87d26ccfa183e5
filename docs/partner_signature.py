#!/usr/bin/env python3
"""Signs requests to the partner API of Muster. Needs nothing but Python's own library.

    sign(secret, method, path_with_query, body)  gives the headers of a request, but for X-API-Client-ID
    python3 partner_signature.py VECTORS.json    checks this file against vectors, such as partner-vectors.json beside it
"""

import hashlib
import hmac
import json
import sys
import time


def string_to_sign(timestamp, method, path_with_query, body):
    digest = hashlib.sha256(body).hexdigest() if body else ""
    return f"{timestamp}:{method}:{path_with_query}:{digest}"


def signature(secret, text):
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def sign(secret, method, path_with_query, body=b""):
    timestamp = str(int(time.time()))
    text = string_to_sign(timestamp, method, path_with_query, body)
    return {"X-API-Timestamp": timestamp, "X-API-Signature": signature(secret, text)}


def main(path):
    with open(path, encoding="utf-8") as file:
        vectors = json.load(file)
    for vector in vectors:
        text = string_to_sign(vector["timestamp"], vector["method"], vector["path"], vector["body"].encode())
        assert text == vector["string_to_sign"], f"{vector['name']}: {text}"
        found = signature(vector["secret"], text)
        assert found == vector["signature"], f"{vector['name']}: {found}"
    assert vectors, "no vectors"
    print(f"{len(vectors)} vectors hold")


if __name__ == "__main__":
    main(sys.argv[1])
