"""One trace of one application, for a person to look at."""

from __future__ import annotations

import json

from deploy.demo.world import World


async def trace_url(world: World, ref: str) -> str:
    """The address of the trace with the most spans about this application; of the search page where there is
    none."""
    settings = world.web.settings
    base = f"http://127.0.0.1:{settings['ZIPKIN_PORT']}"
    query = f"application_id={world.ids[ref]}"
    params = {"annotationQuery": query, "limit": "50", "lookback": "3600000"}
    answer = await world.web.http.get(f"{base}/api/v2/traces", params=params)
    traces = json.loads(answer.text) if answer.status_code == 200 else []
    if not traces:
        return f"{base}/zipkin/?annotationQuery={query}"
    richest = max(traces, key=len)
    return f"{base}/zipkin/traces/{richest[0]['traceId']}"
