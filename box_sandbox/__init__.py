"""A stand-in for Box, over real sockets, for development and for tests.

    python -m box_sandbox --port 8001

It answers as Box's API does: OAuth 2 with sign-in and consent pages, folders, files, versions,
search, downloads from a second origin. It never leaves this machine and knows only invented people.

Two rules hold. The app does not import this package and this package does not import the app: they
meet over HTTP, at addresses the app is configured with. And what Box does is decided outside of it:
Box's OpenAPI description and Box's official Python client check every kind of answer in
`tests/sandbox/`.

Where things are:

    world.toml, hashes.txt   what everybody's Box holds, and its digests: data
    world, tree              that data as values; the changes laid over it
    content/                 the bytes of every file, made from its name and size
    server, messages         HTTP/1.1; requests and replies as values
    app                      one request: fault, latency, answer, record
    oauth/                   sign-in pages, grants and tokens, the token endpoint
    api/                     /2.0: folders, files, lists, search, previews, downloads
    faults, control/         what tests turn: /_control
"""
