"""OTLP requests as plain records: decompressed within bounds, walked by hand, from protobuf or JSON.

May import the OTLP messages, orjson and ``errors``. Nothing here knows what an attribute means.
"""
