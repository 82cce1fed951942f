"""How fast a run is, beside older ways of doing it, on the same sandbox: ``make bench``.

A variant is one file with one function, ``async def run(crm, ready) -> Result``, and one line in
``variants.py``. What it called and spent is counted by the sandbox, not by the variant.
"""
