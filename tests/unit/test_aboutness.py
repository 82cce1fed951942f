"""Is a result about the account: pairs that mislead, real articles, and names that are words."""

from __future__ import annotations

from collections import Counter

import pytest

from enrico.domain.aboutness import about_account
from shared_data import data_rows


@pytest.mark.parametrize(
    ("name", "domain", "title", "snippet", "url", "allowed"),
    [
        ("Acme Corp", "acme.com", "Acme, Inc. raises $5M to grow", "", "", "about"),
        (
            "Acme Software",
            "acme.com",
            "Acme Roofing LLC opens a second office",
            "Acme Roofing, based in Ohio, said",
            "",
            "other_firm",
        ),
        (
            "Delta",
            "delta.com",
            "Delta Dental names new CEO",
            "Delta Dental of Michigan said on Tuesday",
            "",
            "other_firm",
        ),
        (
            "Delta Dental",
            "deltadental.com",
            "Delta Dental names new CEO",
            "Delta Dental of Michigan said on Tuesday",
            "",
            "about",
        ),
        (
            "Delta",
            "delta.com",
            "Delta reports record revenue",
            "Delta said revenue rose 5% in March",
            "",
            "about",
        ),
        (
            "Delta",
            "delta.com",
            "Flood risk grows in the Mekong Delta",
            "The river delta is sinking",
            "",
            "other_firm|no_mention",
        ),
        (
            "Delta",
            "delta.com",
            "The delta variant spreads in schools",
            "Officials report the delta variant",
            "",
            "no_mention",
        ),
        (
            "Delta",
            "delta.com",
            "Delta Variant Spreads In Schools",
            "Officials said the delta variant is more contagious",
            "",
            "no_mention|other_firm",
        ),
        (
            "Apple",
            "apple.com",
            "How to bake an apple pie",
            "Take one apple and some sugar",
            "",
            "no_mention",
        ),
        (
            "Apple",
            "apple.com",
            "Apple pie recipe everyone loves",
            "The best apple pie",
            "",
            "no_mention",
        ),
        ("Apple", "apple.com", "Apple unveils new iPhone", "Apple on Monday unveiled", "", "about"),
        ("Apple", "apple.com", "Apple's new headquarters in Austin opens", "", "", "about"),
        (
            "Apple",
            "apple.com",
            "apple raises dividend after record quarter",
            "Apple Inc. said it would raise its dividend",
            "",
            "about",
        ),
        (
            "Orange",
            "orange.com",
            "Orange County approves new budget",
            "Orange County supervisors voted",
            "",
            "other_firm",
        ),
        (
            "Orange",
            "orange.com",
            "Orange launches 5G in Spain",
            "The French operator Orange said",
            "",
            "about",
        ),
        (
            "Orange",
            "orange.com",
            "Orange juice prices hit record",
            "Prices of orange juice futures",
            "",
            "no_mention",
        ),
        (
            "Target",
            "target.com",
            "Police find target of drone attack",
            "The target was a depot",
            "",
            "no_mention",
        ),
        (
            "Target",
            "target.com",
            "Target cuts 1,800 corporate jobs",
            "Target Corp said Thursday it will cut 1,800",
            "",
            "about",
        ),
        (
            "Target",
            "target.com",
            "Twins win at Target Field",
            "The Twins beat",
            "",
            "other_firm|no_mention",
        ),
        (
            "Gateway",
            "gateway.com",
            "Gateway Church pastor resigns",
            "The pastor of Gateway Church",
            "",
            "other_firm",
        ),
        (
            "Gateway",
            "gateway.com",
            "Gateway to the west reopens",
            "The arch in St. Louis",
            "",
            "no_mention",
        ),
        (
            "Apex, Inc.",
            "apex.com",
            "Apex (apex.io) raises seed round",
            "Apex, a spacecraft maker",
            "",
            "other_firm",
        ),
        ("Apex, Inc.", "apex.com", "Apex raises seed round", "Apex (apex.com) said", "", "about"),
        (
            "Apex, Inc.",
            "apex.us",
            "Apex Ltd, a Nigerian construction firm, wins contract",
            "",
            "",
            "other_firm",
        ),
        ("Apex, Inc.", "apex.com", "Apex Roofing wins award", "", "", "other_firm"),
        (
            "Acme",
            "acme.com",
            "Former Acme executive joins Beta as CFO",
            "Jane worked at Acme for 10 years",
            "",
            "mention",
        ),
        ("Acme", "acme.com", "Beta hires Acme veteran as CFO", "", "", "mention"),
        (
            "Acme",
            "acme.com",
            "Beta raises $40M to serve enterprises",
            "Beta counts customers such as Acme, Globex and Initech",
            "",
            "mention",
        ),
        ("Acme", "acme.com", "10 best alternatives to Acme", "Compare tools", "", "mention"),
        ("Acme", "acme.com", "Acme rival Beta raises $5M", "Beta said", "", "mention"),
        ("Acme", "acme.com", "Beta acquires Acme for $40M", "", "", "about"),
        ("Acme", "acme.com", "Beta to buy Acme", "", "", "about"),
        ("Acme", "acme.com", "About us", "We build things", "https://www.acme.com/about", "about"),
        ("Acme", "acme.com", "Weather in Ohio", "Rain tomorrow", "https://n.com/w", "no_mention"),
        ("Simple Icons", "simpleicons.org", "SimpleIcons releases version 15", "", "", "about"),
        ("SimpleIcons", "simpleicons.org", "Simple Icons releases version 15", "", "", "about"),
        (
            "SimpleIcons",
            "simpleicons.org",
            "Ten simple icons for your website",
            "Use simple icons",
            "",
            "no_mention",
        ),
        (
            "International Business Machines",
            "ibm.com",
            "IBM launches new quantum chip",
            "",
            "",
            "about",
        ),
        (
            "International Business Machines Corp.",
            "ibm.com",
            "ibm launches new quantum chip",
            "",
            "",
            "about",
        ),
        (
            "SAP SE",
            "sap.com",
            "SAP ernennt neuen Finanzvorstand",
            "Der Softwarekonzern SAP",
            "",
            "about",
        ),
        (
            "SAP SE",
            "sap.com",
            "Maple sap season starts early",
            "The sap is running",
            "",
            "no_mention",
        ),
        ("Nestlé S.A.", "nestle.com", "Nestle to cut 16,000 jobs", "", "", "about"),
        ("Nestle", "nestle.com", "Nestlé supprime 16 000 postes", "", "", "about"),
        ("Müller GmbH & Co. KG", "mueller.de", "Müller eröffnet neue Filiale", "", "", "about"),
        ("N/A", "", "Nothing new at N/A", "", "", "no_mention"),
        ("Unknown", "", "Unknown gunman flees", "", "", "no_mention"),
        ("Johnson & Johnson", "jnj.com", "Johnson and Johnson wins FDA approval", "", "", "about"),
        ("AT&T", "att.com", "AT&T hires new CFO", "", "", "about"),
        ("Amazon.com, Inc.", "amazon.com", "Amazon lays off 14,000", "", "", "about"),
        (
            "Amazon",
            "amazon.com",
            "Deforestation in the Amazon rises",
            "Trees in the Amazon rainforest",
            "",
            "no_mention|mention|other_firm",
        ),
        ("Meta", "meta.com", "Meta to cut 5% of staff", "Meta Platforms said", "", "about"),
        (
            "Meta",
            "meta.com",
            "A meta analysis of 40 studies",
            "This meta analysis",
            "",
            "no_mention",
        ),
        (
            "Bolt",
            "bolt.eu",
            "Usain Bolt returns to Kingston",
            "The sprinter Usain Bolt",
            "",
            "other_firm|no_mention",
        ),
        (
            "Bolt",
            "bolt.eu",
            "Bolt raises €628M at €7.4B valuation",
            "Estonian ride-hailing company Bolt",
            "",
            "about",
        ),
        (
            "Bolt",
            "bolt.eu",
            "bolt secures loan",
            "bolt, the ride-hailing company (bolt.eu), secures loan",
            "",
            "about",
        ),
        (
            "Square",
            "squareup.com",
            "Protest in Trafalgar Square",
            "Thousands gathered in Trafalgar Square",
            "",
            "other_firm|no_mention",
        ),
        ("Stripe", "stripe.com", "Stripe acquires Bridge for $1.1B", "", "", "about"),
        ("Stripe", "stripe.com", "STRIPE ACQUIRES BRIDGE FOR $1.1B", "Stripe said", "", "about"),
        (
            "Ramp",
            "ramp.com",
            "Boat Ramp Closes For Repairs",
            "The boat ramp at the lake",
            "",
            "no_mention|other_firm",
        ),
        ("Ramp", "ramp.com", "Ramp Raises $500M", "Ramp, the corporate card startup", "", "about"),
        (
            "Ford",
            "ford.com",
            "Harrison Ford wins award",
            "The actor Harrison Ford",
            "",
            "other_firm|no_mention",
        ),
        (
            "Chase",
            "chase.com",
            "Man arrested after police chase",
            "The chase began",
            "",
            "no_mention",
        ),
        (
            "Chase",
            "chase.com",
            "Chevy Chase hospitalized",
            "Chevy Chase, 80, was",
            "",
            "other_firm|no_mention",
        ),
        (
            "Slack",
            "slack.com",
            "Why we left Slack",
            "Our team used Slack for chat",
            "",
            "about|mention",
        ),
        ("Notion Labs", "notion.so", "Notion launches AI agents", "Notion said", "", "about"),
        ("Snowflake Inc.", "snowflake.com", "Snowflake Inc. Names New CFO", "", "", "about"),
        ("Snowflake Inc.", "snowflake.com", "A rare snowflake photographed", "", "", "no_mention"),
        (
            "Phoenix Physical Therapy",
            "phoenixphysicaltherapy.com",
            "Phoenix Physical Therapy Names David Angelo",
            "",
            "",
            "about",
        ),
        (
            "Phoenix",
            "phoenix.com",
            "Phoenix Physical Therapy Names David Angelo",
            "",
            "",
            "other_firm",
        ),
        (
            "Phoenix",
            "phoenix.com",
            "Shooting in Phoenix leaves two dead",
            "Phoenix police said",
            "",
            "no_mention|other_firm",
        ),
        (
            "Mosaic",
            "mosaic.com",
            "Mosaic Worker Wins National Award",
            "Mosaic, a nonprofit, said",
            "",
            "about|mention|no_mention",
        ),
        ("Acme GmbH", "acme.de", "Acme SARL ouvre un bureau à Lyon", "", "", "about"),
        ("Acme", "acme.com", "Acme's competitors raise prices", "", "", "mention"),
        ("Acme", "acme.com", "Globex partners with Acme on logistics", "", "", "about"),
        (
            "Globex",
            "globex.com",
            "Acme, Globex and Initech sign climate pledge",
            "",
            "",
            "about|mention",
        ),
        (
            "Globex",
            "globex.com",
            "Top 10 CRM tools: Acme, Globex, Initech",
            "",
            "",
            "mention|about",
        ),
        (
            "Delta Air Lines",
            "delta.com",
            "Delta reports record revenue",
            "Delta Air Lines said",
            "",
            "about",
        ),
        (
            "Delta Air Lines",
            "delta.com",
            "Delta Faucet launches smart tap",
            "Delta Faucet Company said",
            "",
            "other_firm",
        ),
        (
            "Union",
            "union.ai",
            "Teachers union reaches deal",
            "The union said on Monday",
            "",
            "no_mention",
        ),
        (
            "Union",
            "union.ai",
            "European Union fines Meta",
            "The European Union said",
            "",
            "other_firm|no_mention",
        ),
        (
            "Union",
            "union.ai",
            "Union Pacific reports earnings",
            "Union Pacific said",
            "",
            "other_firm",
        ),
        (
            "Compass",
            "compass.com",
            "Compass Group wins catering contract",
            "Compass Group PLC, the British caterer",
            "",
            "other_firm|about",
        ),
        ("Loom", "loom.com", "Strikes loom as talks fail", "Fears loom", "", "no_mention"),
        (
            "Loom",
            "loom.com",
            "Atlassian to acquire Loom for $975M",
            "Atlassian will acquire video startup Loom",
            "",
            "about",
        ),
        ("Figma", "figma.com", "Adobe abandons $20B Figma deal", "", "", "about"),
        ("Airtable", "airtable.com", "airtable lays off 237 employees", "", "", "about"),
        ("1Password", "1password.com", "1Password hires new president", "", "", "about"),
        ("Atlas", "atlas-shipping.com", "Atlas Shipping lays off 200", "", "", "about"),
        (
            "Atlas",
            "atlascopperworks.com",
            "Atlas Copperworks raises $10M",
            "atlascopperworks.com said",
            "",
            "about",
        ),
        ("Atlas", "atlascopperworks.com", "Atlas Copper Works raises $10M", "", "", "about"),
        ("Atlas", "atlascopperworks.com", "Atlas Shipping lays off 200", "", "", "other_firm"),
        (
            "Atlas",
            "atlas-shipping.com",
            "Atlas Copperworks raises $10M",
            "atlascopperworks.com said",
            "",
            "other_firm",
        ),
        (
            "Atlas",
            "atlas.com",
            "Boston Dynamics' Atlas robot wins award",
            "",
            "",
            "other_firm|no_mention|mention",
        ),
        ("Atlas", "atlas.com", "Germany's Atlas raises $10M", "", "", "about"),
        ("Apple", "apple.com", "Tim Cook's Apple pivots to AI", "", "", "about"),
        ("Atlas", "atlas.com", "Berlin's Atlas raises $10M", "", "", "about"),
        ("Procter & Gamble", "pg.com", "Procter &amp; Gamble names CEO", "", "", "about"),
    ],
)
def test_a_result_is_told_from_a_namesake(
    name: str, domain: str, title: str, snippet: str, url: str, allowed: str
) -> None:
    found = about_account(name, domain, title, snippet, url or "https://news.example/story")

    assert found.verdict in allowed.split("|"), found.reason


def test_the_account_s_own_site_outweighs_its_words() -> None:
    found = about_account("Delta", "delta.com", "Delta Dental", "", "https://news.delta.com/x")

    assert (found.verdict, found.confidence) == ("about", 0.98)


def test_a_page_on_a_shared_host_is_not_the_account_s_own_site() -> None:
    found = about_account("Acme", "github.com", "Weather", "", "https://github.com/x/y")

    assert found.verdict == "no_mention"


def test_the_domain_in_the_text_settles_an_ordinary_name() -> None:
    text = "We compared ramp tools"

    assert about_account("Ramp", "ramp.com", text, "", "").verdict == "no_mention"
    assert about_account("Ramp", "ramp.com", text, "See ramp.com", "").verdict == "mention"


def test_a_country_site_of_a_distinct_name_is_no_rival_and_another_ending_is() -> None:
    title = "Roblox adds parental controls"

    assert (
        about_account("Roblox", "roblox.com", title, "", "https://roblox.de/a").verdict == "about"
    )
    assert (
        about_account("Apex", "apex.com", "Apex raises $5M", "", "https://apex.io/a").verdict
        == "other_firm"
    )


@pytest.mark.parametrize(
    ("snippet", "verdict"),
    [
        ("Visit zorb.io today.", "mention"),
        ("Not notzorb.io: visit zorb.io today.", "mention"),
        ("Visit notzorb.io today.", "no_mention"),
        ("Visit zorb.io.example today.", "no_mention"),
        ("Visit zorb.io-clone today.", "no_mention"),
    ],
)
def test_a_domain_is_named_where_it_stands_as_a_whole(snippet: str, verdict: str) -> None:
    found = about_account("Zorblax Corp", "zorb.io", "A platform for teams", snippet, "")

    assert found.verdict == verdict


def test_a_name_is_found_however_it_is_divided_into_words() -> None:
    with_domain = about_account("Delta", "delta-dental.com", "Delta Dental names new CEO", "", "")
    in_two = about_account("Aerofarms", "", "Aero Farms raises $5M in funding", "", "")

    assert (with_domain.verdict, in_two.verdict) == ("about", "about")


def test_another_country_s_firm_is_told_by_the_snippet_too() -> None:
    snippet = "Apex Ltd, a Nigerian builder, said so."
    found = about_account("Apex, Inc.", "apex.us", "Apex wins a contract", snippet, "")

    assert found.verdict == "other_firm"


@pytest.mark.parametrize("name", ["", " ", "N/A", "none", "Unknown", "-", "???"])
def test_a_placeholder_matches_nothing(name: str) -> None:
    title = f"{name} raises $5M, Unknown N/A none"

    assert about_account(name, "", title, title, "https://n.com").verdict == "no_mention"


TEN_COMPANIES = {
    "AAPL": ("Apple Inc.", "apple.com"),
    "AMZN": ("Amazon.com, Inc.", "amazon.com"),
    "ETSY": ("Etsy, Inc.", "etsy.com"),
    "GOOGL": ("Google LLC", "google.com"),
    "META": ("Meta Platforms, Inc.", "meta.com"),
    "MSFT": ("Microsoft Corporation", "microsoft.com"),
    "NVDA": ("NVIDIA Corporation", "nvidia.com"),
    "RBLX": ("Roblox Corporation", "roblox.com"),
    "ROKU": ("Roku, Inc.", "roku.com"),
    "UPST": ("Upstart Holdings, Inc.", "upstart.com"),
}
WORDS = {"AAPL", "AMZN", "META", "UPST"}  # their names are ordinary words too


def _words(text: str) -> set[str]:
    return set("".join(c if c.isalnum() else " " for c in text.casefold()).split())


def test_a_name_in_capitals_is_not_the_word_of_the_same_letters() -> None:
    assert about_account("SAP SE", "sap.com", "SAP Launches New Suite", "", "").verdict == "about"
    assert (
        about_account("SAP SE", "sap.com", "Sap Launches Maple Season", "", "").verdict
        == "no_mention"
    )


def test_real_articles_keep_their_measured_verdicts() -> None:
    """Titles only, no snippets. Floors a little below what was measured."""
    distinct: Counter[str] = Counter()
    ordinary: Counter[str] = Counter()
    crossed: Counter[str] = Counter()
    for row in data_rows("search/gdelt_company_articles.csv"):
        for ticker, (name, domain) in TEN_COMPANIES.items():
            brand = name.split()[0].split(".")[0].strip(",").casefold()
            named = brand in _words(row["title"])
            verdict = about_account(name, domain, row["title"], "", row["url"]).verdict
            if not named and ticker != row["ticker"]:
                crossed[verdict] += 1
            elif named and ticker == row["ticker"]:
                (ordinary if ticker in WORDS else distinct)[verdict] += 1

    assert crossed.total() > 10_000
    assert crossed["about"] + crossed["other_firm"] == 0
    assert (distinct["about"] + distinct["mention"]) / distinct.total() >= 0.97
    assert (ordinary["about"] + ordinary["mention"]) / ordinary.total() >= 0.55
    assert ordinary["other_firm"] / ordinary.total() <= 0.05


def test_names_that_are_words_keep_their_measured_verdicts() -> None:
    """568 real firms named by one word, in sentences made for both readings."""
    right: Counter[str] = Counter()
    rows = data_rows("companies/ambiguous_names.csv")
    for row in rows:
        word, full, domain = row["short_name"], row["company"], row["domain"]
        low, stem = word.lower(), domain.split(".")[0]
        cases = {
            "word": (f"Why the {low} matters more than ever", f"A {low} can be found here.", ""),
            "title": (f"Ten Facts About The {word.title()} Nobody Knew", f"The {low} is old.", ""),
            "longer": (f"{word} Dental names new CEO", f"{word} Dental said so.", ""),
            "rival": (f"{word} raises $5M", f"{word} ({stem}.zone) said.", f"https://{stem}.zone"),
            "firm": (f"{word} raises $5M in seed funding", f"The startup {word} said so.", ""),
            "legal": (f"{full} appoints new CFO", "", ""),
            "domain": ("New tools this week", f"Have a look at {domain} for more.", ""),
        }
        for case, (title, snippet, url) in cases.items():
            verdict = about_account(full, domain, title, snippet, url).verdict
            firm = verdict in ("about", "mention")
            right[case] += firm if case in ("firm", "legal", "domain") else not firm

    share = {case: n / len(rows) for case, n in right.items()}
    floors = {
        "word": 0.99,
        "title": 0.95,
        "longer": 0.99,
        "rival": 0.99,
        "firm": 0.98,
        "legal": 0.96,
        "domain": 0.99,
    }
    assert {case: n for case, n in share.items() if n < floors[case]} == {}


@pytest.mark.parametrize("name", ["", "stripe.com"])
def test_an_account_of_which_only_the_domain_is_known_goes_by_its_stem(name: str) -> None:
    told = about_account(name, "stripe.com", "Stripe raises $6.5B in Series I funding", "", "")
    other = about_account(name, "stripe.com", "Adyen raises its forecast", "", "")

    assert (told.verdict, other.verdict) == ("about", "no_mention")
    assert told.confidence > 0.7
    assert about_account("", "", "Stripe raises $6.5B", "", "").verdict == "no_mention"


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("腾讯", "腾讯宣布收购游戏工作室"),
        ("株式会社メルカリ", "メルカリが新CEOを任命"),
        ("삼성전자", "삼성전자가 새 공장을 연다"),
        ("Volkswagen AG", "Volkswagens neuer Finanzchef tritt an"),
    ],
)
def test_a_name_that_something_has_grown_onto_is_not_surely_absent(name: str, title: str) -> None:
    hidden = about_account(name, "", title, "", "")
    absent = about_account(name, "", "Acme names a new CEO", "", "")

    assert hidden.verdict == "about" or hidden.confidence <= 0.5
    assert (absent.verdict, absent.confidence) == ("no_mention", 0.9)
