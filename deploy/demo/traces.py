"""One trace of one application, for a person to look at."""

from __future__ import annotations

import httpx

from deploy.demo.world import World

_SUBMISSION = "post /v1/applications/{application_id}/submission"


async def trace_url(world: World, ref: str) -> str:
    """The address of the trace of this application's submission; of the search page where there is
    none."""
    settings = world.web.settings
    base = f"http://127.0.0.1:{settings['ZIPKIN_PORT']}"
    query = f"application_id={world.ids[ref]}"
    params = {"annotationQuery": query, "spanName": _SUBMISSION, "limit": "10", "lookback": "3600000"}
    try:
        answer = await world.web.http.get(f"{base}/api/v2/traces", params=params)
        traces = answer.json() if answer.status_code == 200 else []
    except httpx.HTTPError:
        traces = []  # a stack without a trace store has no page to show either
    if not traces:
        return f"{base}/zipkin/?annotationQuery={query}"
    richest = max(traces, key=len)
    return f"{base}/zipkin/traces/{richest[0]['traceId']}"
