"""Apollo, Serper and DeepSeek on one loopback port: real HTTP, invented data, no keys, no bill.

The sandbox keeps the vendors' wire formats, limits, prices and bad habits, so that a run, a test
or a demonstration needs no account, and it counts what a vendor would charge. It imports nothing
from the rest of Enrico: a referee that shared code with the player would share its mistakes.
"""

from enrico.sandbox.app import RunningSandbox, start
from enrico.sandbox.config import DEFAULT_KEYS, SandboxConfig
from enrico.sandbox.crmfiles import write_sample_crm
from enrico.sandbox.profiles import PROFILES

__all__ = [
    "DEFAULT_KEYS",
    "PROFILES",
    "RunningSandbox",
    "SandboxConfig",
    "start",
    "write_sample_crm",
]
