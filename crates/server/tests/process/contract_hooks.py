"""Serializers that Schemathesis does not have."""

import schemathesis


@schemathesis.serializer("application/offset+octet-stream")
def offset(ctx, value):
    return value if isinstance(value, bytes) else str(value).encode()
