"""The settings of the test stack, put into this process's environment before anything of ours reads it."""

import os

from deploy.stack.settings import load as load_stack
from services.common.settings import Settings, load

STACK = load_stack("test")
os.environ.update(STACK.values)
os.environ["OTEL_TRACES_EXPORTER"] = "none"  # a test that looks at spans collects them itself


def stack_settings(**changes: object) -> Settings:
    """Settings of a service in the test stack, some of them changed (by field name)."""
    return load().model_copy(update=changes)
