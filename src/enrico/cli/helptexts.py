"""What every command says of itself. Plain data, so that ``--help`` needs no command's imports."""

HELP = """Who decides on a deal, what happens at the account, who these people really are.

Start here, without any key:  enrico demo
With your own export:         enrico enrich exports/ -o results/ --max-usd 20

Results go to stdout or files, talk to stderr.
Exit codes: 0 done, 1 failed, 2 usage, 3 partial, 4 budget reached,
5 provider refused, 6 held calls, 130 interrupted.
"""

# Group → command → (module:function below enrico.cli, help). The first line stands in the list.
COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "The main job": {
        "demo": (
            "demo:demo",
            """Try everything on a made-up CRM of 50 deals; no keys, no bill.

Starts the sandbox, loads a made-up Salesforce export, runs the whole job on
it and shows what was found. Files are left in enrico-demo/.

For example:
  enrico demo
  enrico demo --deals 10 --profile modern
""",
        ),
        "enrich": (
            "main_job:enrich",
            """Load an export, enrich its deals, write the results.

Takes Salesforce, HubSpot and Pipedrive exports and plain tables as CSV, TSV,
XLSX, XLS, ODS, JSON, JSONL or Parquet: files, folders or zips. Run it again
and only what is new, stale or failed is asked for. Ctrl-C once lets calls in
flight finish.

For example:
  enrico enrich export/ -o results/
  enrico enrich deals.csv contacts.csv -o results.xlsx --max-usd 10
  enrico enrich hubspot.csv -o out.parquet --only roles
""",
        ),
    },
    "In steps, over the database": {
        "load": (
            "main_job:load",
            """Read exports into the database, and say what was taken for what.

Rows that cannot be used are listed with file, row, reason and mend; the rest
is loaded.

For example:
  enrico load export/
  enrico load Opportunity.csv Account.csv Contact.csv --json
""",
        ),
        "plan": (
            "main_job:plan",
            """What a run would do and cost, and how long the limits make it.

Calls, credits, dollars low to high, cache hits, who is skipped and why.
Spends nothing.

For example:
  enrico plan
  enrico plan --stage won --lookback 90 --json
""",
        ),
        "run": (
            "main_job:run",
            """Enrich what is new, stale or failed among the loaded deals.

Ctrl-C once lets calls in flight finish; twice stops at once. Run it again to
go on from there.

For example:
  enrico run --max-credits 500
  enrico run --limit 10 --dry-run
  enrico run --only people --refresh
  enrico run --detach
""",
        ),
        "export": (
            "main_job:export",
            """Write the result tables: deal contacts, accounts, signals, deals.

For example:
  enrico export -o results/
  enrico export -o results.xlsx --stage won
""",
        ),
    },
    "With workers, over PostgreSQL": {
        "worker": (
            "workers:worker",
            """Do runs that were asked for, together with all other workers.

Start as many as you like, on as many machines, over one PostgreSQL database.
They share limits and caps; what a dead one leaves the others take over.
Ctrl-C lets calls in flight finish.

For example:
  enrico worker
""",
        ),
        "resume": (
            "workers:resume",
            """Have workers go on with a run that was cancelled or ended early.

For example:
  enrico resume r-20261123-101500-1a2b3c4d
""",
        ),
        "cancel": (
            "workers:cancel",
            """Stop a run that workers do; calls in flight finish.

For example:
  enrico cancel r-20261123-101500-1a2b3c4d
""",
        ),
        "schedule": (
            "workers:schedule",
            """Have workers run what is new, stale or failed every so often.

A run that is still under way is not begun again.

For example:
  enrico schedule set nightly --every 1d --max-usd 20
  enrico schedule
  enrico schedule remove nightly
""",
        ),
    },
    "Look": {
        "runs": (
            "look:runs",
            """List the runs, what they did and what they cost.

For example:
  enrico runs
  enrico runs --watch
  enrico runs --json
""",
        ),
        "show": (
            "look:show",
            """Show a deal, an account, a person or a run.

For example:
  enrico show deal 0061234
  enrico show account acme.com
  enrico show person jane@acme.com
  enrico show run r-20261123-101500-1a2b3c4d
""",
        ),
        "report": (
            "report:report",
            """Write a page about a run: time line, money, waits, what went wrong.

One HTML file that needs no network and names no person. 'last' is the newest
run.

For example:
  enrico report last
  enrico report r-20261123-101500-1a2b3c4d -o run.html
""",
        ),
        "explain": (
            "look:explain",
            """Where a value comes from: provider, call, time, confidence, reason.

For example:
  enrico explain jane@acme.com.title
  enrico explain acme.com
  enrico explain 0061234.role
""",
        ),
    },
    "People's data and keys": {
        "forget": (
            "privacy:forget",
            """Erase people for good, and neither buy nor load them again.

Takes addresses, and domains for everybody with an address there. Erases them
from what was loaded and bought, the journal, files that we wrote, free pages
and the database's log; what calls cost stays. A keyed hash keeps them out.

For example:
  enrico forget jane@acme.com --dry-run
  enrico forget jane@acme.com bob@acme.com --yes
  enrico forget acme.com
""",
        ),
        "privacy": (
            "privacy:privacy",
            """Tell all that is held of a person; let one in again; let old data go.

'export' tells everything with its sources, 'allow' undoes the keeping out,
'list' counts who is kept out, 'retain' lets go what is older than the
settings under [retention] allow. 'reset' empties the list of who is kept out
when the master key is lost.

For example:
  enrico privacy export jane@acme.com -o jane.json
  enrico privacy allow jane@acme.com
  enrico privacy retain
""",
        ),
        "keys": (
            "keys:keys",
            """Keep providers' keys in the database, encrypted under a master key.

'set' reads the key from stdin or asks for it; it is never an argument. 'list'
says where each key comes from, 'rotate' seals all of them anew. The master
key is in ENRICO_MASTER_KEY or in a file that ENRICO_MASTER_KEY_FILE names. To
change it, give the former one in ENRICO_OLD_MASTER_KEY once, and rotate.

For example:
  enrico keys set apollo
  enrico keys list
  enrico keys rotate
""",
        ),
    },
    "Check and mend": {
        "held": (
            "mend:held",
            """List or settle calls that may have been charged without an answer.

'retry' asks for their people again in the next run (and may pay twice),
'drop' leaves them without an answer. With apollo.unknown_outcome = "retry"
it also lists what was sent again and may be paid twice.

For example:
  enrico held
  enrico held retry 3f2a91c0
  enrico held drop --all
""",
        ),
        "replay": (
            "mend:replay",
            """Make all facts anew from the recorded answers. Spends nothing.

For example:
  enrico replay
""",
        ),
        "copy": (
            "mend:copy",
            """Carry all that is known into another, empty database.

From a file to PostgreSQL or back; nobody is bought again there.

For example:
  enrico copy postgresql://enrico@db.example.com/enrico
""",
        ),
        "doctor": (
            "checks:doctor",
            """Check keys, balances, limits, clock and disk, for nothing.

Asks each provider's free endpoints, says what the plan allows, and what to
mend.

For example:
  enrico doctor
  enrico doctor --json
""",
        ),
        "alerts": (
            "alerts:alerts",
            """The rules for alerts, what was told last, and a test message.

Addresses to tell stand in alerts.notify; what each alert means and what to do
is in docs/how-to/alerts.md.

For example:
  enrico alerts
  enrico alerts --test
""",
        ),
        "providers": (
            "checks:providers",
            """The providers, with their limits, prices and settings.

For example:
  enrico providers
""",
        ),
        "sandbox": (
            "demo:sandbox",
            """Apollo, Serper and DeepSeek on this machine, with invented data.

Prints addresses and keys, then serves until Ctrl-C. All flags go to the
sandbox: see 'enrico sandbox -- --help'.

For example:
  enrico sandbox --port 8900 --profile classic
  enrico sandbox --faults faults.json
""",
        ),
    },
}
