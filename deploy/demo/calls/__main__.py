"""`python -m deploy.demo.calls`: print what the demo changes in the real call, and check that it may."""

import sys
from datetime import UTC, datetime

from deploy.demo.calls import allowed, demo_call, differences, real_call


def main() -> int:
    real = real_call().model_dump(mode="json")
    demo = demo_call(datetime.now(UTC)).model_dump(mode="json")
    forbidden = []
    for path in differences(real, demo):
        print(("  " if allowed(path) else "! ") + path)
        if not allowed(path):
            forbidden.append(path)
    if forbidden:
        print(f"the demo may not change {', '.join(forbidden)}", file=sys.stderr)
    return 1 if forbidden else 0


if __name__ == "__main__":
    sys.exit(main())
