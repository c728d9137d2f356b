"""HTTP: the collector's hot routes in plain ASGI, the API and pages on Litestar."""
