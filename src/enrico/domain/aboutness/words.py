"""The words by which a firm's name is told from its namesakes: data, and nothing else.

All are folded the way texts are (``spelling.plain``). Written by hand from what headlines say; the
verdicts on real articles that the tests measure rest on them.
"""

from __future__ import annotations

import re

from enrico.domain.word_tables import word_set

LEGAL_FORMS = word_set(
    """
    inc incorporated corp corporation co company ltd limited llc llp lp plc pllc gmbh mbh ag kg kgaa
    ohg ug se sa sas sarl sasu bv nv vof spa srl srls sl slu oy oyj ab asa as aps pty pte pvt bhd
    sdn kk ltda eireli sro zrt kft doo dd jsc ojsc pjsc ooo tbk berhad cv sab eurl snc eg ev
    """
)
"""Legal forms of one word. Fewer than ``identity_tables`` has for names alone: in a sentence, many
of those (*pc*, *ss*, *ong*) are other words."""

LEGAL_GLUE = word_set("and de of the")
"""Words between the parts of a legal form."""

HOUSE_WORDS = word_set(
    """
    platforms aktie stock shares group groupe gruppe grupo gruppo holding holdings international
    global worldwide hq team
    """
)
"""They may follow a firm's name without making it another firm."""

FIRM_WORDS = word_set(
    """
    academy advisors advisory aerospace agency air airlines airport airways analytics apartments
    architects associates association athletics auto automotive bakery bancorp bank bankshares
    beauty beverage beverages biologics biopharma biosciences biotech biotherapeutics brands brewery
    brewing builders building cafe capital care cars casino cement center centre chemical chemicals
    church clinic club coffee college commerce communications community construction consulting
    consultants contracting contractors corps council county credit dairy delivery dental dentistry
    design distillery district diagnostics economy electric electrical electronics energy
    engineering entertainment environmental equipment estate estates events farm farms fashion
    fashions festival films finance financial fire fitness florist food foods foundation freight
    fund funds furniture gallery games gaming gardens gas gold government grill guitars health
    healthcare heating high hospital hospitality hotel hotels housing hvac industries industrial
    instruments insurance interiors investments island jewelers jewelry kitchen lab laboratories
    labs landscaping law legal lending line lines logistics magazine management manufacturing marine
    marketing markets materials media medical medicine memorial metals mills mining ministries
    minerals mobile mortgage motors museum mutual network networks newspaper oil orchestra outdoors
    outfitters paint paper park partners petroleum pharma pharmaceuticals pharmacy physiotherapy
    plastics plaza plumbing police power press primary printing productions properties property
    publishing racing radio railway realty records recruitment recycling renewables rentals research
    residences resorts resources restaurant retail river roofing safety salon savings school schools
    science sciences securities security semiconductor services shipping society software solar
    solutions spa sports steel storage stores street studio studios supply surgical symphony systems
    technologies technology telecom television theater theatre therapeutics tobacco tools tours
    township toys trading transport transportation travel trucking trust tunnel university utilities
    valley ventures veterinary village therapy clothing faucet pictures pacific goods water wealth
    wealthcare wines winery works yoga variant force farmers goodrem junction
    """
)
"""After a name they make it another organisation: `Delta Dental`."""

STRONG_VERBS = word_set(
    """
    posts beats misses rebounds supercharges acquire acquires acquired acquiring announce announces
    announced announcing appoint appoints appointed launch launches launched launching raise raises
    raised raising hire hires hired hiring sue sues sued buys lays unveil unveils unveiled partner
    partners partnered introduce introduces introduced report reports reported expand expands
    expanded expanding secures secured invests invested acquisition debuts outlines pledges recalls
    ceo cfo cto coo cmo chro ciso ipo shares stock earnings revenue employees workers staff
    executives executive spokesperson spokeswoman spokesman shareholders investors founder cofounder
    founders headquarters customers layoffs lawsuit subsidiary valuation says said sells bought
    merges rolls confirms denies warns plant stores engineers profit profits sales ubernimmt kundigt
    stellt ernennt sammelt entlasst meldet grundet startet kauft eroffnet nimmt verkauft annonce
    leve nomme lance rachete acquiert recrute licencie ouvre anuncia nombra lanza compra adquiere
    recauda despide abre contrata levanta lanca adquire nomeia acquisisce annuncia nomina lancia
    """
)
"""Verbs and nouns that stand beside a firm's name and hardly beside other words."""

WEAK_VERBS = word_set(
    """
    opens opened opening wins won names named cuts closes closed closing lands signs signed joins
    joined faces plans planned posts gets hits eyes files filed moves adds added reveals offers
    offered releases released completes completed is was has will to beats misses grows shows takes
    makes drops slashes brings tests teams agrees receives received selects selected promotes
    promoted taps picks extends reaches bets builds leads settles sees expects wants platform app
    board brand product products service services technology team users pricing
    """
)
"""Those that stand beside a firm's name and beside much else."""

VERBS = STRONG_VERBS | WEAK_VERBS

NO_NAMES = VERBS | LEGAL_FORMS | HOUSE_WORDS
"""After a name they do not make it longer."""

TO_VERBS = word_set(
    """
    cut buy acquire launch open lay raise hire invest expand sell close build merge partner name
    appoint introduce pay report join offer
    """
)
"""`Meta to cut …`: with these a headline tells what a firm will do."""

BEFORE_FIRMS = word_set(
    """
    startup company firm maker giant retailer airline carrier manufacturer provider chipmaker
    fintech unicorn insurer by at sues sue acquires acquire buys buy acquired invests joins join
    against unternehmen konzern societe entreprise empresa
    """
)
"""Before a name they show that it is a firm's."""

BEFORE_FIRM_PHRASES = frozenset(
    [
        "ceo of",
        "founder of",
        "shares of",
        "stake in",
        "invest in",
        "partnership with",
        "partners with",
    ]
)
"""Pairs of words that show the same."""

ARTICLES = word_set("the a an")

BEFORE_THINGS = word_set("the a an this that every in near across our")
"""`the Amazon`, `in Phoenix`: before an ordinary word they speak of a thing or a place."""

LEADS = word_set(
    """
    why how what when where who is are does can will should former ex meet inside exclusive update
    breaking watch and or with from for on in to as than vs versus like but if after before could
    may did do has new big tech
    """
)
"""Capitalised before a name in a headline, and no part of it."""

ADJECTIVES = word_set(
    """
    big little new north south east west northern southern eastern western royal first national
    american united river golden red blue green black white great grand old saint san los las lake
    mount fort port upper lower mekong niger
    """
)
"""Before an ordinary word they make another name of it: `Red River`."""

PRODUCTS = word_set(
    """
    tv watch music pay cloud pro app apps store prime plus ai iphone ipad mac card one max studio
    suite platform api web go x os air mini edge play assistant stock shares inc news maps drive
    docs search ads
    """
)
"""After a name they are the firm's own products."""

THINGS = word_set(
    """
    robot robots robotic humanoid humanoids browser phone smartphone tablet laptop headset console
    camera drone drones chip chips chipset processor gpu model models llm chatbot bot agent agents
    copilot rocket rockets satellite satellites spacecraft lander rover vehicle vehicles truck
    trucks car suv sedan pickup van jet aircraft plane helicopter missile engine battery reactor
    telescope software tool toolkit framework database supercomputer router printer device devices
    gadget sensor vaccine drug game sneaker sneakers roboter modell handy coche movil telephone
    voiture vehicule
    """
)
"""After a name that follows a firm's in the possessive: *Boston Dynamics' Atlas robot*."""

ORDINARY_WORDS = word_set(
    """
    access account ace acorn act action active adapt advance advanced affirm agent aim air alert
    alliance ally alpha alphabet also altitude amber ambition amazon amount anchor angel answer
    anthem apex apple apply april arch arc arena arm armory army arrow art ash aspect aspen aspire
    assembly asset assist atlas atom august aura aurora auto automatic autumn avenue aviator avid
    award aware axis back badge balance ball balloon bamboo band bank bar bark barrel base basement
    basin basis basket bay beach beacon beam bean bear beat beauty bed bee being bell belt bench
    benchmark bend berry best beta better beyond big bill bird bison bit black blacksmith blade
    blaze blend blink block bloom blossom blue board boat body bold bolt bond bone bonfire book
    boost booster border boundary bow bowl box bracket brain branch brand brave bread breath breeze
    brick bridge brief bright brilliant bristle broad brook brother brown brush bubble bucket bud
    buffer bug build builder bull bundle burn bush business butter butterfly button cabin cable
    cache cadence cake call calm camp canal candid candle candy canopy canvas canyon cape capital
    captain caravan carbon card care cargo caribou carrot carry cart case cash cast castle cat
    catalyst catch caterpillar cause cave cedar cell center central century chain chair challenge
    chamber champion chance change channel chapter charge charm chart chase chat check cheer cherry
    chess chest chief child chime chip choice chord chorus circle circuit citizen city civic claim
    clarity class clay clean clear cleanup clever cliff climb clip clock close cloud clover club
    coach coast coat cobalt cocoon code coffee cognition coil coin collective color comb come comet
    comfort command common compass compose compound concert concord condor conduit cone connect
    constellation construct contact content context control convoy cook cool copper copy coral core
    cork corn corner correct cosmic cosmos cotton count country course court cove cover craft crane
    crate crater craze cream credit creek crescent crest crew cricket crimson crisp critical cross
    crow crowd crown cruise crystal cube cue cup curve cushion custom cut cycle daily daisy dance
    dart dash data date dawn day deal dear deck deed deep deer delta dense depot design desk detail
    dial diamond dictionary diesel digital dill dime diplomat direct discover discovery divvy dock
    doctor dodge dog dolphin domain door dot double dove down draft dragon drama draw dream drift
    drill drip drive drop drum duck dune dust dusk dynamo eagle ear early earnest earth ease east
    easy echo eclipse edge effect egg elastic element elephant elevate elite elm ember emerald
    empire energy engine enjoy entry enzyme epic epsilon equal equinox essence even evening event
    ever evergreen every evidence evolve exact example expert explore extend extra eye fable fabric
    face fact factor factory fair faith falcon fall fame family fancy farm fast feather feature
    field fig figure final find fine finger finch fire first fish fit five fix fixed flag flame
    flare flash flat fleet flex flick flight flint flip float flock flow flower fluid fly foam focus
    fold folk follow foot force ford forest forge forget fork form fort forum forward fossil found
    foundation fountain fox fragment frame free freedom fresh friend frog front frontier frost fruit
    fuel fulcrum full fund fuse fusion future gain galaxy gale gap garage garden gas gate gateway
    gather gauge gear gem general genius gentle giant gift ginger give glass gleam glide globe glory
    glow glue goal gold golden good grace grade grain grand grant grape graph grass gravity great
    green grid grit grove ground group grow guard guide guild gulf gust habit hail hall halo hammer
    hand handle happy harbor hard harvest hat hatch haven hawk hazel head health heart hearth heat
    helix help herald herb heritage hero heron high hill hint hive hold home honest honey honor hook
    hope horizon horn horse host hotel hour house hub human humble hunt hunting ice icon idea ideal
    image impact impulse inch increase index indigo infinity inn input insight inspire instinct
    integral intellect interval into iris iron island item ivory ivy jade jasper jet jewel join jolt
    journal journey joy judge juice jump jumbo junction june jungle juniper just keen keep kernel
    key kind kindle king kingdom kite knight knot lab label lace ladder lake lamp land lane lantern
    large lark laser last latch lattice launch laurel lava law layer lead leaf league lean leap
    learn leather ledge legal legend lemon lens less letter level lever liberty life lift light
    lightning lily lime line link lion liquid list little live load local lock locket loft log logic
    long look loom loop lot lotus loud love loyal lucid lucky lumen luna lunar lynx machine made
    magic magnet mail main major make man manner mantle map maple marble march marine mark market
    mars mask mast master match mate matrix matter maverick may maze meadow meal mean measure medal
    meet melody member memo memory mercury merge meridian merit mesh message meta metal meteor
    method metric middle midway might mile milk mill mind mine mineral mint minute miracle mirror
    mission mist mix mobile modal mode model modern moment monday money monitor moon more morning
    mosaic moss moth mother motion motor mountain mouse move much mud muse music mustang mutual myth
    name narrative nation native natural nature near neat nest net new news next nexus night nimble
    nine noble node noise noon normal north notch note notion nova novel now number nut oak oasis
    oath object ocean octave odd offer office oil olive omega once one onward opal open opera optic
    oracle orange orbit orchard orchid order organic origin osprey other otter outdoor outfit
    outlook outreach over owl own oxygen oyster ozone pace pack paddle page paint palace palm panda
    panel panther paper parade paragon parallel park parley parrot part particle party pass past
    patch path patriot pattern pause peach peak pearl pebble pen pencil people pepper perfect petal
    phase phoenix piano picture piece pier pigeon pillar pilot pin pine pink pinnacle pioneer pipe
    pitch pivot pixel place plain plan plane planet plank plant plate platform play plaza plot plow
    plum plume plus poem poet point polar pole policy polish pond pool poppy port portal position
    positive post pound power prairie praise premier press prime prism prize process produce profile
    program progress progressive project promise proof proper prospect proud public pulse pump pure
    purple pursuit puzzle quail quality quantum quartz queen quest quick quiet quill quilt rabbit
    race radar radical radio radius raft rail rain ramp rainbow raise rally ranch range rapid raven
    ray reach ready real realm reason record red reef refine reflect regal relay relief remark
    remedy remote render report rescue reserve resolve resource respect rest restore result retail
    return reveal rhythm ribbon rich ride ridge right ring rise rival river rivet road robin rock
    rocket root rope rose rotor rough round route rover royal ruby rule run rune runway rush rust
    sable safe saga sage sail salt same sand sapphire satellite sauce save scale scarlet scene
    school science scope score scout screen script sea seal search season seat second secret section
    secure see seed segment select self send senior sense sequel serene series seven shade shadow
    shape share sharp shed shelf shell shelter shield shift shine ship shoe shop shore short show
    side sierra sift sign signal silk silver simple simplicity single six skip sky slack slash slate
    sleep slice slope slow small smart smile smoke smooth snap snow snowflake social socket soft
    solar solid solo sonic soul sound source south space spark speak spectrum speed sphere spice
    spin spiral spirit split spoke spot spring sprint sprout spruce square squad stack staff stage
    stamp stand standard star start state station stay steady steam steel stellar stem step stick
    still stitch stock stone storage store storm story stream street stride strike string strong
    studio summer summit sun sunrise super supply support supreme sure surf surface surge swan sweep
    sweet swell swift switch symbol symphony system table tag tail tailor take tale talent talk tall
    tandem tango tangent tap tape target task taste team tell temple tempo ten tender tent terra
    territory test text theory thing think third thread three thrive throne thunder ticket tide
    tiger tilt timber time tin tiny title titan titanium today together token tomorrow tone tool top
    topaz torch total touch tower town trace track trade trail train transit travel treasure tree
    trek trend triangle tribe tribute trident trigger trio triumph true trust truth tulip tune
    tunnel turbine turn turtle twig twin twist two type umbrella under union unique unit united
    unity universal universe up upgrade urban use utility valiant valley value valve vapor vault
    vector velocity velvet venture verb verse very vessel via vibrant victory view vigilant village
    vine vintage violet virtual virtue vision visit vista vital vivid vocal voice volley volt volume
    voyage wagon wake walk wall walnut wander ward warm wasp watch water wave way weave web wedge
    week well west whale wheat wheel whirl whirlpool whisper white whole wide wild will willing
    willow win wind window wing winter wire wise wish wolf wonder wood wool word work world worth
    wren yard yellow yes yield young zeal zebra zenith zephyr zero zest zinc zip zone zoom
    """
)
"""Words that firms are named after; alone they say little."""

ORDINARY_ENDING = re.compile(
    r"[a-z]{3,}(?:ing|tion|sion|ment|ness|able|ible|ive|ous|ical|ence|ance|ship|ful|less|ward)"
)
"""What words of the dictionary end with, and made-up names seldom do."""

PLACEHOLDERS = word_set(
    """
    na none null unknown test tbd tba todo nan other others private self freelance various
    individual personal company account
    """
)
"""What people type for a company that they do not name, without spaces and marks."""

SHARED_HOSTS = word_set(
    """
    github.com gitlab.com linkedin.com facebook.com twitter.com x.com youtube.com instagram.com
    medium.com wordpress.com blogspot.com substack.com reddit.com wikipedia.org crunchbase.com
    google.com yahoo.com bing.com msn.com forbes.com bloomberg.com reuters.com glassdoor.com
    indeed.com notion.site wixsite.com tumblr.com quora.com sourceforge.net bitbucket.org gmail.com
    outlook.com hotmail.com amazonaws.com herokuapp.com vercel.app netlify.app
    """
)
"""Being hosted there says nothing about the host. Not ``identity_tables.NOT_A_COMPANY_SITE``: some
of those, such as shopify.com, are the own site of an account."""

GENERIC_COUNTRY_TLDS = word_set("io ai co me tv ly so sh gg fm to cc vc is")
"""Country endings that firms of all countries take."""

COUNTRIES = dict(
    pair.split("=")
    for pair in word_set(
        """
        germany=de german=de deutschland=de france=fr french=fr spain=es spanish=es italy=it
        italian=it netherlands=nl dutch=nl belgium=be belgian=be austria=at austrian=at
        switzerland=ch swiss=ch poland=pl polish=pl sweden=se swedish=se norway=no norwegian=no
        denmark=dk danish=dk finland=fi finnish=fi ireland=ie irish=ie uk=uk british=uk india=in
        indian=in china=cn chinese=cn japan=jp japanese=jp korea=kr korean=kr australia=au
        australian=au canada=ca canadian=ca brazil=br brazilian=br mexico=mx mexican=mx nigeria=ng
        nigerian=ng kenya=ke kenyan=ke israel=il israeli=il turkey=tr turkish=tr singapore=sg
        malaysia=my malaysian=my indonesia=id indonesian=id
        """
    )
)
"""A country, or what is from there → the ending of its domains."""
