"""Is a search result about this account, or about a namesake?

Search matches loosely: a query for one firm brings stories that only mention it, stories about
firms of the same or a longer name, and ordinary sentences in which the name is a word. Only words
are weighed here: the account's name and domain, the result's title, snippet and URL.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from urllib.parse import urlsplit

Verdict = Literal["about", "mention", "other_firm", "no_mention"]
"""``about``: the account is what it is about. ``mention``: it occurs, the story is somebody
else's. ``other_firm``: another organisation of that name. ``no_mention``: the name does not
occur as a name."""


@dataclass(frozen=True, slots=True)
class Aboutness:
    """A verdict, how sure it is (0 to 1), and the reason in a few words."""

    verdict: Verdict
    confidence: float
    reason: str


# --- vocabulary -------------------------------------------------------------------------

_LEGAL_FORMS_TEXT = """
inc incorporated corp corporation co company ltd limited llc llp lp plc pllc gmbh mbh ag kg kgaa
ohg ug se sa sas sarl sasu bv nv vof spa srl srls sl slu oy oyj ab asa as aps pty pte pvt bhd sdn
kk ltda eireli sro zrt kft doo dd jsc ojsc pjsc ooo tbk berhad cv sab eurl snc eg ev
"""
_LEGAL_FORMS = frozenset(_LEGAL_FORMS_TEXT.split())
_LEGAL_GLUE = frozenset(("and", "de", "of", "the"))

_HOUSE_TEXT = """
platforms aktie stock shares group groupe gruppe grupo gruppo holding holdings international
global worldwide hq team
"""
_HOUSE = frozenset(_HOUSE_TEXT.split())  # may follow a firm's name without making it another firm

_FIRM_TEXT = """
academy advisors advisory aerospace agency air airlines airport airways analytics apartments
architects associates association athletics auto automotive bakery bancorp bank bankshares beauty
beverage beverages biologics biopharma biosciences biotech biotherapeutics brands brewery brewing
builders building cafe capital care cars casino cement center centre chemical chemicals church
clinic club coffee college commerce communications community construction consulting consultants
contracting contractors corps council county credit dairy delivery dental dentistry design
distillery district diagnostics economy electric electrical electronics energy engineering
entertainment environmental equipment estate estates events farm farms fashion fashions festival
films finance financial fire fitness florist food foods foundation freight fund funds furniture
gallery games gaming gardens gas gold government grill guitars health healthcare heating high
hospital hospitality hotel hotels housing hvac industries industrial instruments insurance
interiors investments island jewelers jewelry kitchen lab laboratories labs landscaping law legal
lending line lines logistics magazine management manufacturing marine marketing markets materials
media medical medicine memorial metals mills mining ministries minerals mobile mortgage motors
museum mutual network networks newspaper oil orchestra outdoors outfitters paint paper park
partners petroleum pharma pharmaceuticals pharmacy physiotherapy plastics plaza plumbing police
power press primary printing productions properties property publishing racing radio railway
realty records recruitment recycling renewables rentals research residences resorts resources
restaurant retail river roofing safety salon savings school schools science sciences securities
security semiconductor services shipping society software solar solutions spa sports steel storage
stores street studio studios supply surgical symphony systems technologies technology telecom
television theater theatre therapeutics tobacco tools tours township toys trading transport
transportation travel trucking trust tunnel university utilities valley ventures veterinary
village therapy clothing faucet pictures pacific goods water wealth wealthcare wines winery works
yoga variant force farmers goodrem junction
"""
_FIRM_WORDS = frozenset(_FIRM_TEXT.split())  # after a name they make it another organisation

_STRONG_VERBS_TEXT = """
posts beats misses rebounds supercharges acquire acquires acquired acquiring announce announces
announced announcing appoint appoints appointed launch launches launched launching raise raises
raised raising hire hires hired hiring sue sues sued buys lays unveil unveils unveiled partner
partners partnered introduce introduces introduced report reports reported expand expands expanded
expanding secures secured invests invested acquisition debuts outlines pledges recalls ceo cfo cto
coo cmo chro ciso ipo shares stock earnings revenue employees workers staff executives executive
spokesperson spokeswoman spokesman shareholders investors founder cofounder founders headquarters
customers layoffs lawsuit subsidiary valuation says said sells bought merges rolls confirms denies
warns plant stores engineers profit profits sales ubernimmt kundigt stellt ernennt sammelt
entlasst meldet grundet startet kauft eroffnet nimmt verkauft plant annonce leve nomme lance
rachete acquiert recrute licencie ouvre anuncia nombra lanza compra adquiere recauda despide abre
contrata levanta lanca adquire nomeia acquisisce annuncia nomina lancia
"""
_STRONG_VERBS = frozenset(_STRONG_VERBS_TEXT.split())

_TO_VERBS_TEXT = """
cut buy acquire launch open lay raise hire invest expand sell close build merge partner name
appoint introduce pay report join offer
"""
_TO_VERBS = frozenset(_TO_VERBS_TEXT.split())
"""`Meta to cut …`: with these a headline tells what a firm will do."""

_WEAK_VERBS_TEXT = """
opens opened opening wins won names named cuts closes closed closing lands signs signed joins
joined faces plans planned posts gets hits eyes files filed moves adds added reveals offers
offered releases released completes completed is was has will to beats misses grows shows takes
makes drops slashes brings tests teams agrees receives received selects selected promotes promoted
taps picks extends reaches bets builds leads settles sees expects wants platform app board brand
product products service services technology team users pricing
"""
_WEAK_VERBS = frozenset(_WEAK_VERBS_TEXT.split())

_BEFORE_TEXT = """
startup company firm maker giant retailer airline carrier manufacturer provider chipmaker fintech
unicorn insurer by at sues sue acquires acquire buys buy acquired invests joins join against
unternehmen konzern societe entreprise empresa
"""
_BEFORE = frozenset(_BEFORE_TEXT.split())  # before a name they show that it is a firm's

_NOT_BEFORE = frozenset(("the", "a", "an", "this", "that", "every", "in", "near", "across", "our"))
"""`the Amazon`, `in Phoenix`: before an ordinary word they speak of a thing or a place."""

_BEFORE_PHRASES = frozenset(
    (
        "ceo of",
        "founder of",
        "shares of",
        "stake in",
        "invest in",
        "partnership with",
        "partners with",
    )
)

_PRODUCT_TEXT = """
tv watch music pay cloud pro app apps store prime plus ai iphone ipad mac card one max studio
suite platform api web go x os air mini edge play assistant stock shares inc news maps drive docs
search ads
"""
_PRODUCTS = frozenset(_PRODUCT_TEXT.split())  # after a name they are the firm's own products

_ORDINARY_TEXT = """
access account ace acorn act action active adapt advance advanced affirm agent aim air alert
alliance ally alpha alphabet also altitude amber ambition amazon amount anchor angel answer anthem
apex apple apply april arch arc arena arm armory army arrow art ash aspect aspen aspire assembly
asset assist atlas atom august aura aurora auto automatic autumn avenue aviator avid award aware
axis back badge balance ball balloon bamboo band bank bar bark barrel base basement basin basis
basket bay beach beacon beam bean bear beat beauty bed bee being bell belt bench benchmark bend
berry best beta better beyond big bill bird bison bit black blacksmith blade blaze blend blink
block bloom blossom blue board boat body bold bolt bond bone bonfire book boost booster border
boundary bow bowl box bracket brain branch brand brave bread breath breeze brick bridge brief
bright brilliant bristle broad brook brother brown brush bubble bucket bud buffer bug build
builder bull bundle burn bush business butter butterfly button cabin cable cache cadence cake call
calm camp canal candid candle candy canopy canvas canyon cape capital captain caravan carbon card
care cargo caribou carrot carry cart case cash cast castle cat catalyst catch caterpillar cause
cave cedar cell center central century chain chair challenge chamber champion chance change
channel chapter charge charm chart chase chat check cheer cherry chess chest chief child chime
chip choice chord chorus circle circuit citizen city civic claim clarity class clay clean clear
cleanup clever cliff climb clip clock close cloud clover club coach coast coat cobalt cocoon code
coffee cognition coil coin collective color comb come comet comfort command common compass compose
compound concert concord condor conduit cone connect constellation construct contact content
context control convoy cook cool copper copy coral core cork corn corner correct cosmic cosmos
cotton count country course court cove cover craft crane crate crater craze cream credit creek
crescent crest crew cricket crimson crisp critical cross crow crowd crown cruise crystal cube cue
cup curve cushion custom cut cycle daily daisy dance dart dash data date dawn day deal dear deck
deed deep deer delta dense depot design desk detail dial diamond dictionary diesel digital dill
dime diplomat direct discover discovery divvy dock doctor dodge dog dolphin domain door dot double
dove down draft dragon drama draw dream drift drill drip drive drop drum duck dune dust dusk
dynamo eagle ear early earnest earth ease east easy echo eclipse edge effect egg elastic element
elephant elevate elite elm ember emerald empire energy engine enjoy entry enzyme epic epsilon
equal equinox essence even evening event ever evergreen every evidence evolve exact example expert
explore extend extra eye fable fabric face fact factor factory fair faith falcon fall fame family
fancy farm fast feather feature field fig figure final find fine finger finch fire first fish fit
five fix fixed flag flame flare flash flat fleet flex flick flight flint flip float flock flow
flower fluid fly foam focus fold folk follow foot force ford forest forge forget fork form fort
forum forward fossil found foundation fountain fox fragment frame free freedom fresh friend frog
front frontier frost fruit fuel fulcrum full fund fuse fusion future gain galaxy gale gap garage
garden gas gate gateway gather gauge gear gem general genius gentle giant gift ginger give glass
gleam glide globe glory glow glue goal gold golden good grace grade grain grand grant grape graph
grass gravity great green grid grit grove ground group grow guard guide guild gulf gust habit hail
hall halo hammer hand handle happy harbor hard harvest hat hatch haven hawk hazel head health
heart hearth heat helix help herald herb heritage hero heron high hill hint hive hold home honest
honey honor hook hope horizon horn horse host hotel hour house hub human humble hunt hunting ice
icon idea ideal image impact impulse inch increase index indigo infinity inn input insight inspire
instinct integral intellect interval into iris iron island item ivory ivy jade jasper jet jewel
join jolt journal journey joy judge juice jump jumbo junction june jungle juniper just keen keep
kernel key kind kindle king kingdom kite knight knot lab label lace ladder lake lamp land lane
lantern large lark laser last latch lattice launch laurel lava law layer lead leaf league lean
leap learn leather ledge legal legend lemon lens less letter level lever liberty life lift light
lightning lily lime line link lion liquid list little live load local lock locket loft log logic
long look loom loop lot lotus loud love loyal lucid lucky lumen luna lunar lynx machine made magic
magnet mail main major make man manner mantle map maple marble march marine mark market mars mask
mast master match mate matrix matter maverick may maze meadow meal mean measure medal meet melody
member memo memory mercury merge meridian merit mesh message meta metal meteor method metric
middle midway might mile milk mill mind mine mineral mint minute miracle mirror mission mist mix
mobile modal mode model modern moment monday money monitor moon more morning mosaic moss moth
mother motion motor mountain mouse move much mud muse music mustang mutual myth name narrative
nation native natural nature near neat nest net new news next nexus night nimble nine noble node
noise noon normal north notch note notion nova novel now number nut oak oasis oath object ocean
octave odd offer office oil olive omega once one onward opal open opera optic oracle orange orbit
orchard orchid order organic origin osprey other otter outdoor outfit outlook outreach over owl
own oxygen oyster ozone pace pack paddle page paint palace palm panda panel panther paper parade
paragon parallel park parley parrot part particle party pass past patch path patriot pattern pause
peach peak pearl pebble pen pencil people pepper perfect petal phase phoenix piano picture piece
pier pigeon pillar pilot pin pine pink pinnacle pioneer pipe pitch pivot pixel place plain plan
plane planet plank plant plate platform play plaza plot plow plum plume plus poem poet point polar
pole policy polish pond pool poppy port portal position positive post pound power prairie praise
premier press prime prism prize process produce profile program progress progressive project
promise proof proper prospect proud public pulse pump pure purple pursuit puzzle quail quality
quantum quartz queen quest quick quiet quill quilt rabbit race radar radical radio radius raft
rail rain ramp rainbow raise rally ranch range rapid raven ray reach ready real realm reason
record red reef refine reflect regal relay relief remark remedy remote render report rescue
reserve resolve resource respect rest restore result retail return reveal rhythm ribbon rich ride
ridge right ring rise rival river rivet road robin rock rocket root rope rose rotor rough round
route rover royal ruby rule run rune runway rush rust sable safe saga sage sail salt same sand
sapphire satellite sauce save scale scarlet scene school science scope score scout screen script
sea seal search season seat second secret section secure see seed segment select self send senior
sense sequel serene series seven shade shadow shape share sharp shed shelf shell shelter shield
shift shine ship shoe shop shore short show side sierra sift sign signal silk silver simple
simplicity single six skip sky slack slash slate sleep slice slope slow small smart smile smoke
smooth snap snow snowflake social socket soft solar solid solo sonic soul sound source south space
spark speak spectrum speed sphere spice spin spiral spirit split spoke spot spring sprint sprout
spruce square squad stack staff stage stamp stand standard star start state station stay steady
steam steel stellar stem step stick still stitch stock stone storage store storm story stream
street stride strike string strong studio summer summit sun sunrise super supply support supreme
sure surf surface surge swan sweep sweet swell swift switch symbol symphony system table tag tail
tailor take tale talent talk tall tandem tango tangent tap tape target task taste team tell temple
tempo ten tender tent terra territory test text theory thing think third thread three thrive
throne thunder ticket tide tiger tilt timber time tin tiny title titan titanium today together
token tomorrow tone tool top topaz torch total touch tower town trace track trade trail train
transit travel treasure tree trek trend triangle tribe tribute trident trigger trio triumph true
trust truth tulip tune tunnel turbine turn turtle twig twin twist two type umbrella under union
unique unit united unity universal universe up upgrade urban use utility valiant valley value
valve vapor vault vector velocity velvet venture verb verse very vessel via vibrant victory view
vigilant village vine vintage violet virtual virtue vision visit vista vital vivid vocal voice
volley volt volume voyage wagon wake walk wall walnut wander ward warm wasp watch water wave way
weave web wedge week well west whale wheat wheel whirl whirlpool whisper white whole wide wild
will willing willow win wind window wing winter wire wise wish wolf wonder wood wool word work
world worth wren yard yellow yes yield young zeal zebra zenith zephyr zero zest zinc zip zone zoom
"""
_ORDINARY = frozenset(_ORDINARY_TEXT.split())

_ORDINARY_ENDING = re.compile(
    r"[a-z]{3,}(?:ing|tion|sion|ment|ness|able|ible|ive|ous|ical|ence|ance|ship|ful|less|ward)"
)

_PLACEHOLDERS_TEXT = """
na none null unknown test tbd tba todo nan other others private self freelance various individual
personal company account
"""
_PLACEHOLDERS = frozenset(_PLACEHOLDERS_TEXT.split())

_SHARED_HOSTS_TEXT = """
github.com gitlab.com linkedin.com facebook.com twitter.com x.com youtube.com instagram.com
medium.com wordpress.com blogspot.com substack.com reddit.com wikipedia.org crunchbase.com
google.com yahoo.com bing.com msn.com forbes.com bloomberg.com reuters.com apple.com/podcasts
glassdoor.com indeed.com notion.site wixsite.com tumblr.com quora.com sourceforge.net
bitbucket.org gmail.com outlook.com hotmail.com amazonaws.com herokuapp.com vercel.app netlify.app
"""
_SHARED_HOSTS = frozenset(_SHARED_HOSTS_TEXT.split())
"""Being hosted there says nothing about the host."""

_SECOND_LEVEL = frozenset(
    ("co", "com", "org", "net", "ac", "gov", "or", "ne", "edu", "gob", "gouv")
)
_GENERIC_TLDS_TEXT = "io ai co me tv ly so sh gg fm to cc vc is"
_GENERIC_COUNTRY_TLDS = frozenset(_GENERIC_TLDS_TEXT.split())

_COUNTRIES_TEXT = """
germany=de german=de deutschland=de france=fr french=fr spain=es spanish=es italy=it italian=it
netherlands=nl dutch=nl belgium=be belgian=be austria=at austrian=at switzerland=ch swiss=ch
poland=pl polish=pl sweden=se swedish=se norway=no norwegian=no denmark=dk danish=dk finland=fi
finnish=fi ireland=ie irish=ie uk=uk british=uk india=in indian=in china=cn chinese=cn japan=jp
japanese=jp korea=kr korean=kr australia=au australian=au canada=ca canadian=ca brazil=br
brazilian=br mexico=mx mexican=mx nigeria=ng nigerian=ng kenya=ke kenyan=ke israel=il israeli=il
turkey=tr turkish=tr singapore=sg malaysia=my malaysian=my indonesia=id indonesian=id
"""
_COUNTRIES = dict(pair.split("=") for pair in _COUNTRIES_TEXT.split())


# --- words of a text --------------------------------------------------------------------

_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_DOMAIN = re.compile(
    r"(?<![\w@.-])(?:https?://)?(?:www\.)?((?:[a-z0-9-]+\.)+(?:com|net|org|io|ai|co|dev|app|tech"
    r"|info|biz|us|uk|de|fr|es|it|nl"
    r"|ch|at|be|eu|in|jp|cn|br|au|ca|se|no|dk|fi|pl|ie|tv|me|ly|so|sh|gg|xyz|cloud|health|bank"
    r"|shop|store|finance))(?![\w-])"
)


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    key: str
    """Folded, without a possessive ending."""
    start: int
    end: int
    possessive: bool

    @property
    def is_capital(self) -> bool:
        return self.text[0].isupper()


@dataclass(frozen=True, slots=True)
class _Text:
    raw: str
    words: tuple[_Word, ...]
    case: Literal["sentence", "title", "upper", "lower"]

    def gap(self, n: int) -> str:
        """What stands between word n and the next one."""
        return (
            self.raw[self.words[n].end : self.words[n + 1].start] if n + 1 < len(self.words) else ""
        )


def _fold(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.replace("’", "'")).casefold()
    return "".join(c for c in plain if not unicodedata.combining(c)).replace("ı", "i")


def _read(text: str) -> _Text:
    raw = (
        unicodedata.normalize("NFKC", html.unescape(text[:2000]))
        .replace("’", "'")
        .replace("&", " and ")
    )
    raw = re.sub(r"\bNASDAQ ?: ?|\bNYSE ?: ?", lambda m: m.group().replace(" ", ""), raw)
    raw = re.sub(r"\b([A-Za-z])\.(?=[A-Za-z]\b\.?)", r"\1", raw)  # S.A. → SA
    words = []
    for found in _TOKEN.finditer(raw):
        folded = _fold(found.group())
        possessive = folded.endswith(("'s", "s'")) and len(folded) > 2
        words.append(
            _Word(
                found.group(),
                re.sub(r"'s?$", "", folded).replace("'", ""),
                found.start(),
                found.end(),
                possessive,
            )
        )
    return _Text(raw, tuple(words), _case_of(words))


def _case_of(words: Sequence[_Word]) -> Literal["sentence", "title", "upper", "lower"]:
    long = [w for w in words[1:] if len(w.text) >= 4 and w.text.isalpha()]
    letters = "".join(w.text for w in words)
    if letters and not any(c.isupper() for c in letters):
        return "lower"
    if len(long) >= 2 and all(w.text.isupper() for w in long):
        return "upper"
    capitals = sum(w.is_capital for w in long)
    if long and not capitals:
        return "sentence"
    return "title" if len(long) < 2 or capitals >= 0.65 * len(long) else "sentence"


# --- the account's name -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Name:
    """One spelling of the account's name."""

    parts: tuple[str, ...]
    """Folded words, split at CamelCase too: `SimpleIcons` → simple, icons."""
    kind: Literal["full", "short", "acronym", "stem"]
    is_ordinary: bool
    is_upper: bool
    """Written in capitals only (`SAP`): lower case is another word."""
    splits: bool
    """One long word without a visible break, which others may write as two."""

    @property
    def joined(self) -> str:
        return "".join(self.parts)


@dataclass(frozen=True, slots=True)
class _Account:
    names: tuple[_Name, ...]
    tail: frozenset[str]
    """Words of its own full name: no sign of another firm when they follow."""
    legal: frozenset[str]
    domain: str
    stem: str


def _parts_of(word: str) -> list[str]:
    """CamelCase split: `SimpleIcons` → Simple, Icons; `GitHub` → Git, Hub; `eBay` and `IBMers`
    stay."""
    pieces = re.findall(r"[^\W\d_][^\WA-Z\d_]+|[A-Z]+(?![^\WA-Z\d_])|\d+", word)
    if "".join(pieces) != word or any(len(piece) < 2 for piece in pieces):
        return [word]
    return pieces


@lru_cache(maxsize=4096)
def _account(name: str, domain: str) -> _Account:
    bare = re.sub(r"\([^)]*\)|\[[^\]]*\]", " ", unicodedata.normalize("NFKC", name[:200]))
    bare = (
        re.sub(r"\b([A-Za-z])\.(?=[A-Za-z]\b\.?)", r"\1", bare)
        .replace("&", " and ")
        .replace("’", "'")
    )
    bare = re.sub(r"\.(?:com|io|ai|net|org)\b", "", bare, flags=re.IGNORECASE)
    words = [w for w in _TOKEN.findall(bare) if w]
    legal: set[str] = set()
    while len(words) > 1 and (
        _fold(words[-1]) in _LEGAL_FORMS or (legal and _fold(words[-1]) in _LEGAL_GLUE)
    ):
        legal.add(_fold(words.pop()))
    if len(words) > 1 and _fold(words[0]) == "the":
        words = words[1:]
    host = _registrable(domain)
    stem = host.split(".")[0].replace("-", "")
    placeholder = "".join(map(_fold, words)) in _PLACEHOLDERS or not any(c.isalnum() for c in bare)
    names: dict[tuple[str, ...], _Name] = {}

    def add(given: Sequence[str], kind: Literal["full", "short", "acronym", "stem"]) -> None:
        parts = tuple(_fold(part).replace("'", "") for word in given for part in _parts_of(word))
        if not parts or parts in names or len("".join(parts)) < 2:
            return
        alone = len(given) == 1
        joined = "".join(parts)
        names[parts] = _Name(
            parts=parts,
            kind=kind,
            is_ordinary=alone
            and kind != "stem"
            and len(parts) == 1
            and (_is_ordinary(joined) or len(joined) <= 3),
            is_upper=alone and kind != "stem" and given[0].isupper() and len(joined) <= 5,
            splits=alone
            and kind != "stem"
            and len(parts) == 1
            and len(joined) >= 8
            and joined.isalpha(),
        )

    if words and not placeholder:
        add(words, "full")
        short = list(words)
        while len(short) > 1 and _fold(short[-1]) in _FIRM_WORDS | _HOUSE | _LEGAL_GLUE:
            short.pop()
        if len(short) < len(words):
            add(short, "short")
        initials = "".join(w[0] for w in words if _fold(w) not in _LEGAL_GLUE)
        if len(initials) >= 3 and initials.isalpha():
            known = initials.casefold() == stem  # ibm.com says whose letters they are
            add([initials if known else initials.upper()], "stem" if known else "acronym")
    if len(stem) >= 4 and host not in _SHARED_HOSTS and not placeholder:
        joined_names = {n.joined for n in names.values()}
        told = any(stem.startswith(joined) for joined in joined_names)  # aiming-inc.com
        if not told and not _is_ordinary(stem):
            add([stem], "stem")
    tail = frozenset(_fold(w) for w in words)
    return _Account(tuple(names.values()), tail, frozenset(legal), host, stem)


def _is_ordinary(word: str) -> bool:
    return (
        word in _ORDINARY
        or word in _FIRM_WORDS
        or (word.endswith("s") and word[:-1] in _ORDINARY)
        or bool(_ORDINARY_ENDING.fullmatch(word))
    )


def _registrable(host: str) -> str:
    """`www.news.acme.co.uk` → `acme.co.uk`: the last two labels, three under co.uk and its like."""
    labels = [
        label
        for label in _fold(host).strip().strip(".").split("/")[0].split(":")[0].split(".")
        if label
    ]
    if len(labels) < 2:
        return ""
    three = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL
    return ".".join(labels[-3:] if three else labels[-2:])


# --- where and how the name occurs ------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Use:
    """One place where the name occurs, and what it is there."""

    kind: Literal["subject", "listed", "longer", "word"]
    """As a firm; as a firm in somebody else's story; inside a longer name; as an ordinary word."""
    points: int
    """How much shows that it is a firm, and this one."""
    start: int
    why: str


def _uses(text: _Text, account: _Account) -> Iterator[_Use]:
    taken: set[int] = set()
    for name in sorted(account.names, key=lambda n: (-len(n.joined), n.kind)):
        for first, last in _places(text, name):
            if taken.isdisjoint(range(first, last + 1)):
                taken.update(range(first, last + 1))
                yield _judge(text, first, last, name, account)


def _places(text: _Text, name: _Name) -> Iterator[tuple[int, int]]:
    breaks = {sum(map(len, name.parts[:n])) for n in range(1, len(name.parts))}
    words = text.words
    for first in range(len(words)):
        length, last = 0, first
        while last < len(words) and last - first < len(name.parts) + 1:
            length += len(words[last].key)
            written = name.joined[:length]
            if "".join(w.key for w in words[first : last + 1]) != written:
                break
            if written == name.joined:
                if _may_stand(text, first, last, name):
                    yield first, last
                break
            halves = (
                name.splits
                and min(length, len(name.joined) - length) >= 3
                and words[first].is_capital
            )
            if (length not in breaks and not halves) or not re.fullmatch(
                r"[\s.&+\-–']{0,3}", text.gap(last)
            ):
                break
            last += 1


def _may_stand(text: _Text, first: int, last: int, name: _Name) -> bool:
    word = text.words[first]
    if first != last and len(name.parts) == 1 and not text.words[last].is_capital:
        return False
    if name.kind == "acronym" or (name.is_upper and text.case in ("sentence", "title")):
        return word.text.isupper() or (word.possessive and word.text[:-2].isupper())
    return True


def _judge(text: _Text, first: int, last: int, name: _Name, account: _Account) -> _Use:
    at = text.words[first].start
    capital = any(w.is_capital for w in text.words[first : last + 1])
    if name.is_ordinary and not capital and text.case in ("sentence", "title"):
        return _Use("word", 0, at, "the name is an ordinary word there")
    longer = _longer_name(text, first, last, name, account)
    if longer:
        return _Use("longer", 0, at, f"part of a longer name: {longer}")
    points = _points_after(text, last) + _points_before(text, first)
    plain = len(name.parts) == 1 and name.parts[0].isalpha() and name.kind != "stem"
    if plain and not capital and text.case == "sentence" and points < 2:
        return _Use("word", 0, at, "the name is written as an ordinary word there")
    before = text.words[first - 1].key if first else ""
    if name.is_ordinary and before in _NOT_BEFORE and points < 2:
        points -= 3
    elif plain and before in ("the", "a", "an") and points == 0:
        points -= 1
    if text.case == "sentence" and capital and not _begins_sentence(text, first):
        points += 2
    if name.kind == "full" and not name.is_ordinary:
        points += (2 if len(name.parts) > 1 else 1) if capital else text.case == "lower"
    listed = _listed(text, first, last, before)
    if listed:
        return _Use("listed", points, at, listed)
    return _Use("subject", points, at, "the name stands where a firm's name stands")


def _points_after(text: _Text, last: int) -> int:
    """How much the words after a name show that it is a firm's: legal form, ticker, verb, noun."""
    words = text.words
    after = [w.key for w in words[last + 1 : last + 5]]
    near = text.raw[words[last].end : words[last].end + 40]
    near = re.sub(r"^(?:\. ?com)?,?(?: (?:Inc|Corp|Corporation|Co|Ltd|plc|AG|SE)\b\.?)?", "", near)
    points = 3 if _TICKER.match(near) else 0
    follows = after[0] if after and re.fullmatch(r"[\s,\-–:]{0,3}", text.gap(last)) else ""
    formal = len(follows) > 1 and follows in _LEGAL_FORMS
    if formal and (words[last + 1].is_capital or text.case == "lower"):
        points += 3
    elif follows in _STRONG_VERBS:
        points += 2
    elif follows in _WEAK_VERBS or follows in _HOUSE:
        points += 1
    if words[last].possessive:
        points += 2 if _STRONG_VERBS.intersection(after[:3]) else 1
    elif after[:1] == ["to"] and _TO_VERBS.intersection(after[1:2]):
        points += 2
    return points


def _points_before(text: _Text, first: int) -> int:
    """How much the words before a name show that it is a firm's: `CEO of`, `startup`, `$`."""
    if not first:
        return 0
    points = 3 if text.raw[: text.words[first].start].endswith("$") else 0
    before = " ".join(w.key for w in text.words[max(0, first - 2) : first])
    if text.words[first - 1].key in _BEFORE and text.gap(first - 1).strip() == "":
        points += 1
    if before in _BEFORE_PHRASES:
        points += 2
    return points


def _begins_sentence(text: _Text, n: int) -> bool:
    return n == 0 or bool(re.search(r"[.!?:|•–—\"“]\s*$|\s-\s*$", text.gap(n - 1)))


def _longer_name(text: _Text, first: int, last: int, name: _Name, account: _Account) -> str:
    """The longer proper name that ours is part of, empty when there is none."""
    words = text.words
    shown = text.raw[words[first].start : words[last].end]
    if last + 1 < len(words) and text.gap(last) in (" ", "-", "-") and not words[last].possessive:
        nxt = words[last + 1]
        known = nxt.key in _LEGAL_FORMS | _HOUSE | _STRONG_VERBS | _WEAK_VERBS | account.tail
        if not known and (nxt.is_capital or text.case == "lower"):
            product = nxt.key in _PRODUCTS or any(c.isdigit() for c in nxt.key)
            sure = name.is_ordinary or name.kind != "full" or _firm_goes_on(text, last + 1)
            if nxt.key in _FIRM_WORDS and not product and sure:
                return f"{shown} {nxt.text}"
            weak = name.is_ordinary or name.kind == "short"
            if weak and not product and _firm_word_ahead(text, last + 1):
                return f"{shown} {nxt.text}"
            if text.case == "sentence" and weak and not product and nxt.text[1:].islower():
                return f"{shown} {nxt.text}"
        elif (
            nxt.key in _FIRM_WORDS
            and nxt.is_capital
            and nxt.key not in account.tail
            and _firm_goes_on(text, last + 1)
        ):
            return f"{shown} {nxt.text}"
    if not first or text.gap(first - 1) != " " or not words[first].is_capital:
        return ""
    prev = words[first - 1]
    loose = name.is_ordinary or name.kind == "short" or len(name.parts) == 1
    if not prev.is_capital or prev.possessive or not loose or prev.key in account.tail:
        return ""
    told = prev.key in _BEFORE | _STRONG_VERBS | _WEAK_VERBS | _LEGAL_GLUE | _LEADS
    told = told or prev.key.endswith(("ing", "ed"))
    opening = _begins_sentence(text, first - 1)
    if name.is_ordinary and not told and (opening or text.case == "sentence"):
        return f"{prev.text} {shown}"
    if name.is_ordinary and prev.key in _ADJECTIVES:
        return f"{prev.text} {shown}"
    return ""


def _firm_goes_on(text: _Text, n: int) -> bool:
    return (
        n + 1 < len(text.words)
        and text.words[n + 1].key in _LEGAL_FORMS | _STRONG_VERBS | _WEAK_VERBS
    )


def _firm_word_ahead(text: _Text, n: int) -> bool:
    """`Phoenix Physical Therapy Names …`: capitals go on to a firm's word, before any verb."""
    for word in text.words[n : n + 3]:
        if word.key in _FIRM_WORDS:
            return True
        if not word.is_capital or word.key in _STRONG_VERBS | _WEAK_VERBS | _LEADS:
            return False
    return False


_LEADS_TEXT = """
why how what when where who is are does can will should former ex meet inside exclusive update
breaking watch and or with from for on in to as than vs versus like but if after before will could
may did do has former new big tech
"""
_LEADS = frozenset(_LEADS_TEXT.split())
"""Capitalised before a name in a headline, and no part of it."""

_ADJECTIVES_TEXT = """
big little new north south east west northern southern eastern western royal first national
american united river golden red blue green black white great grand old saint san los las lake
mount fort port upper lower mekong niger
"""
_ADJECTIVES = frozenset(
    _ADJECTIVES_TEXT.split()
)  # before an ordinary word they make another name of it

_TICKER = re.compile(
    r"\W{0,2}\(?(?:NASDAQ|NYSE|LSE|TSX|ASX|OTC\w*|FRA|ETR|EPA|BME|NYSEARCA)[: ]"
    r"|\W{0,2}\(?\$[A-Z]{1,5}\b|\W{0,2}\([A-Z]{2,5}\)"
)

_LIST_BEFORE = re.compile(
    r"(?:(?:customers?|clients?|users|companies|brands|firms|startups|competitors?|rivals?"
    r"|players|vendors|giants"
    r"|investors?|backers|partners|employers|names|peers|platforms|retailers|tools)"
    r"(?: \w+){0,3}?,? (?:such as|include|includes|including|like|of|to)"
    r"|such as|alternatives? (?:to|for)|competitors? (?:to|of)|rivals? (?:of|to)|as well as"
    r"|alongside|unlike"
    r"|(?:used|trusted|adopted|backed|funded|certified|owned) by|(?:worked|working|works|years"
    r"|stints?|roles|experience|job|career) (?:at|for|with)"
    r"|formerly (?:at|of|with)|previously (?:at|of|with)|ex-?|former(?:ly)?|veterans? of"
    r"|alum(?:ni|nus|na)? of|graduate of|replaces?|instead of"
    r"|(?:shares|position|holdings?|stake|investment) (?:of"
    r"|in))[\s:]*(?:[\w.'&-]+(?: [\w.'&-]+)?(?:, (?:and )?| and )){0,8}$"
)
_LIST_AFTER = re.compile(
    r"^(?:'s)?[ -](?:rivals?|competitors?|alternatives?|veterans?|alum(?:ni|nus|na|s)?|alumnus"
    r"|clones?|backed|owned|killer|certified"
    r"|spin-?(?:off|out)|partner |reseller|customers? |style|like )\b"
    r"|^(?:'s)? (?:executives?|exec|ceo|cfo|cto|coo|president|director|engineers?|managers?|vp"
    r"|vice president|boss|leader|chief)"
    r"(?: \w+){0,4} (?:joins?|joined|to join|named|appointed|becomes|leads? new"
    r"|launches? (?:new )?(?:startup|fund)|founds?|starts?)\b"
)


def _listed(text: _Text, first: int, last: int, before: str) -> str:
    """Why the name belongs to somebody else's story there, empty when nothing says so."""
    left = _fold(text.raw[max(0, text.words[first].start - 140) : text.words[first].start]).rstrip(
        "( $\"'"
    )
    right = _fold(text.raw[text.words[last].end : text.words[last].end + 80])
    if right and before in ("former", "ex", "formerly", "ehemaliger", "ancien", "exdirectivo"):
        return "named as a former employer"
    found = _LIST_BEFORE.search(
        left + (" " if left and not left.endswith("-") else "")
    ) or _LIST_BEFORE.search(left)
    if found:
        return f"named in passing, after “{found.group().strip()[:30]}”"
    found = _LIST_AFTER.match(right)
    if found:
        return f"named in passing, before “{found.group().strip()[:30]}”"
    return ""


# --- the verdict ------------------------------------------------------------------------


def about_account(
    account_name: str, account_domain: str, title: str, snippet: str, url: str
) -> Aboutness:
    """Whether a search result is about this account.

    Accents, case, legal forms, spaces, hyphens and CamelCase do not matter. A result on the
    account's own domain is about it. A name that is one ordinary word must stand where a firm's
    name stands; inside a longer name it is another firm. All arguments may be empty; the name `N/A`
    matches nothing.

    `Delta`, `Delta Dental names new CEO` → other_firm; `Acme Corp`, `Acme, Inc. raises $5M` →
    about; `Acme`, `Former Acme executive joins Beta` → mention.
    """
    account = _account(account_name, account_domain)
    host = _host(url)
    own = account.domain and account.domain not in _SHARED_HOSTS
    if own and _registrable(host) == account.domain:
        return Aboutness("about", 0.98, "it is on the account's own site")
    head, body = _read(title), _read(snippet)
    domains = {_registrable(d) for d in _DOMAIN.findall(_fold(f"{title} {snippet}"))}
    names_domain = bool(own) and _names_domain(f"{title} {snippet}", account.domain)
    in_title, in_body = list(_uses(head, account)), list(_uses(body, account))
    if not names_domain and (rival := _rival_domain(account, domains, host, in_title + in_body)):
        return Aboutness("other_firm", 0.85, f"a firm of that name at {rival}")
    if not names_domain and (foreign := _foreign(account, f"{title} {snippet}")):
        return Aboutness("other_firm", 0.6, f"a firm of that name elsewhere: {foreign}")
    return _weigh(account, head, in_title, in_body, names_domain, url)


def _weigh(
    account: _Account,
    head: _Text,
    in_title: list[_Use],
    in_body: list[_Use],
    names_domain: bool,
    url: str,
) -> Aboutness:
    every = in_title + in_body
    firm = [use for use in every if use.kind in ("subject", "listed")]
    points = max((u.points for u in in_title if u in firm), default=0) + max(
        (u.points for u in in_body if u in firm), default=0
    )
    if names_domain:
        points += 4
    longer = [use for use in every if use.kind == "longer"]
    if longer and not names_domain and (longer[0] in in_title or not _sure(in_title)):
        strong = [u for u in firm if u.points >= 3 and u in in_title]
        if not strong:
            return Aboutness("other_firm", 0.8 if longer[0] in in_title else 0.65, longer[0].why)
    if not firm:
        if names_domain:
            return Aboutness("mention", 0.7, "its domain is named")
        if _in_path(account, url):
            return Aboutness("mention", 0.5, "only the address of the page names it")
        why = every[0].why if every else "the name does not occur"
        return Aboutness("no_mention", 0.8 if every else 0.9, why)
    is_word = any(use.kind == "word" for use in every)
    if points < (3 if is_word else 2 if _needs_more(account) else 1):
        return Aboutness("no_mention", 0.5, "nothing shows that the word is a firm's name")
    sure = min(0.95, 0.55 + 0.08 * points)
    told = [use for use in in_title if use.kind == "subject"]
    if told:
        return Aboutness("about", sure, told[0].why)
    listed = [use for use in in_title if use.kind == "listed"]
    if listed:
        return Aboutness("mention", sure, listed[0].why)
    leading = [u for u in in_body if u.kind == "subject" and u.start <= 40 and u.points >= 2]
    if leading and not head.words:
        return Aboutness("about", sure, "the snippet begins with it")
    if leading and (names_domain or leading[0].points >= 4):
        return Aboutness("about", min(sure, 0.65), "the snippet begins with it")
    if _in_path(account, url) and leading:
        return Aboutness("about", 0.6, "the snippet begins with it and the address names it")
    why = next((u.why for u in in_body if u.kind == "listed"), "only the snippet names it")
    return Aboutness("mention", min(sure, 0.75), why)


def _sure(uses: list[_Use]) -> bool:
    return any(use.kind == "subject" and use.points >= 2 for use in uses)


def _needs_more(account: _Account) -> bool:
    return any(
        name.is_ordinary or name.kind == "acronym" for name in account.names if name.kind != "stem"
    )


def _names_domain(text: str, domain: str) -> bool:
    """Whether a text writes the domain out, alone or as the end of a longer host."""
    return bool(re.search(rf"(?<![\w-]){re.escape(domain)}(?![\w-]|\.\w)", _fold(text)))


def _host(url: str) -> str:
    try:
        return (urlsplit(url.strip()).hostname or "").casefold()
    except ValueError:
        return ""


def _rival_domain(account: _Account, domains: set[str], host: str, uses: list[_Use]) -> str:
    """Another domain with the same stem: `apex.io` beside apex.com. A country's site of ours is
    none."""
    if not account.stem or not account.domain:
        return ""
    plain = len(account.stem) >= 5 and not _is_ordinary(account.stem)
    for domain in sorted(domains | {_registrable(host)}):
        stem, _, suffix = domain.partition(".")
        last = suffix.split(".")[-1]
        sister = plain and (
            (len(last) == 2 and last not in _GENERIC_COUNTRY_TLDS)
            or suffix in ("com", "net", "org", "eu")
        )
        if (
            domain
            and domain != account.domain
            and stem.replace("-", "") == account.stem
            and not sister
        ):
            return domain
    return ""


def _foreign(account: _Account, text: str) -> str:
    """Another legal form beside another country: `Apex Ltd, a Nigerian builder` for `Apex, Inc.`,
    apex.us."""
    country = account.domain.rsplit(".", 1)[-1]
    if not account.legal or len(country) != 2 or country in _GENERIC_COUNTRY_TLDS:
        country = ""
    words = [(w.key, w.text) for w in _read(text).words]
    for name in account.names:
        width = len(name.parts)
        for n in range(len(words) - width):
            if tuple(key for key, _ in words[n : n + width]) != name.parts:
                continue
            form = words[n + width][0]
            if not account.legal or form not in _LEGAL_FORMS or form in account.legal:
                continue
            for key, shown in words[n + width + 1 : n + width + 5]:
                if key in _COUNTRIES and _COUNTRIES[key] != country:
                    return shown
    return ""


def _in_path(account: _Account, url: str) -> bool:
    """Whether the page's address names the account: `/quote/acme-corp/`. Not for ordinary words."""
    try:
        path = _fold(urlsplit(url.strip()).path)
    except ValueError:
        return False
    padded = "-" + re.sub(r"[^a-z0-9]+", "-", path) + "-"
    return any(
        f"-{spelled}-" in padded
        for name in account.names
        if not name.is_ordinary and name.kind != "acronym" and len(name.joined) >= 4
        for spelled in {name.joined, "-".join(name.parts)}
    )
