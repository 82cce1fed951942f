"""The wordings of each type of signal, as regular expressions, in four languages.

English, German, French and Spanish, for texts as ``spelling.plain_line`` leaves them.
"""

from __future__ import annotations

from enrico.domain.signals.records import SignalType

_MONEY = (
    r"(?:(?:[$€£¥₹]|us\$|usd|eur|gbp|chf) ?\d[\d.,]*(?: ?(?:k|m|mn|mio|b|bn|million|billion"
    r"|millionen|mrd))?\b"
    r"|\d[\d.,]* ?(?:m|mn|mio|million|millions|millionen|milliarden|mrd|millones|milliards"
    r"|billion|bn|crore)\.?"
    r" ?(?:[$€£]|usd|eur|euros?|dollars?|dolares|pounds?|gbp)?\b)"
)

_TITLES = (
    r"(?:ceo|cfo|cto|coo|cmo|cro|ciso|cio|chro|cpo|chief [a-z]+(?: [a-z]+)? officer|chief executive"
    r"|president|chair(?:man|woman|person)?|director|managing partner|general counsel|head of|vp"
    r"|svp|evp"
    r"|board|executive|leader|geschaftsfuhrer(?:in)?|vorstand\w*|chefin?\b|directeur|directrice"
    r"|pdg|dg"
    r"|directora?|presidenta?|consejer[oa] delegad[oa])"
)

PATTERNS: dict[SignalType, str] = {
    SignalType.FUNDING: (
        r"series [a-k]\b|seed (?:round|funding|financing|extension|investment)|pre-?seed"
        r"|(?:funding|financing|investment|capital|growth) round"
        r"|venture (?:capital|debt|round)|\bipo\b|initial public offering|goes public|fundrais\w*"
        r"|rais(?:es|ed|ing) (?:\w+ ){0,3}?(?:capital|funding|funds|money|" + _MONEY + r")"
        r"|(?:raises?|raised|raising|secures?|secured|closes?|closed|lands?|nabs?|bags?|gets"
        r"|receives?"
        r"|grabs|invests?|invested|investment of|stake|backed|funding|financing|investors?"
        r"|valuation|private placement"
        r"|public offering)\b.{0,80}?"
        + _MONEY
        + r"|"
        + _MONEY
        + r".{0,60}?\b(?:funding|financing|round|investment|investors?|capital|fundrais\w*"
        r"|offering|stake|valuation)"
        r"|led by .{0,60}(?:ventures|capital|partners)|\binvests? in\b|invested in"
        r"|takes? (?:a )?stake"
        r"|(?:made|makes|making|receives?|received|strategic|equity|majority|minority"
        r"|growth) (?:an? )?(?:\w+ )?investment"
        r"|\bgrants?\b.{0,40}"
        + _MONEY
        + r"|finanzierungsrunde|sammelt\b|kapitalerhohung|borsengang|wagniskapital|einstieg von"
        r"|investiert"
        r"|levee? de fonds|\blev(?:e|ent|er)\b.{0,30}"
        + _MONEY
        + r"|tour de table|ronda de (?:financiacion|inversion)|\bcapta\b|recauda|levanta\b"
        r"|inversion de"
    ),
    SignalType.HIRING: (
        r"\bhir(?:e|es|ed|ing)\b|recruit\w*|job (?:openings?|fair|postings?|creation)|(?:new"
        r"|create\w*|add\w*|open) (?:[\d,]+ )?(?:\w+ )?(?:jobs|roles|positions)"
        r"|vacanc(?:y|ies)|headcount|head ?count|expand\w* (?:its |the |their )?(?:team|workforce"
        r"|staff)|talent acquisition"
        r"|career\w*|join(?:s|ed|ing)? (?:the |our |its )?(?:\w+ )?team|staffing up"
        r"|apprentices\w*|open roles"
        r"|stellt .{0,40}\bein\b|einstellung\w*|neue mitarbeiter|neue stellen|stellenangebote?"
        r"|arbeitsplatze|sucht .{0,30}mitarbeiter"
        r"|recrute\w*|embauch\w*|offres? d'emploi|postes|contrata\w*|puestos de trabajo|empleos"
        r"|vacantes"
    ),
    SignalType.EXPANSION: (
        r"expan(?:d|ds|ded|ding|sion)\w*|open(?:s|ed|ing)?\b.{0,60}(?:office|plant|factory|site"
        r"|store|headquarters|hq|hub|facility|branch|center|centre|location|campus|warehouse"
        r"|clinic)"
        r"|new (?:\w+ ){0,2}(?:office|plant|factory|headquarters|hq|facility|branch|hub|location"
        r"|campus|warehouse|subsidiary|division|unit|business unit|data ?cent(?:er|re)|clinic)"
        r"|enters? (?:the |into )?(?:\w+ ){0,3}market|(?:launch\w*|arriv\w*|establish\w*"
        r"|build\w*) .{0,30}\b(?:in|into) (?:europe|asia|africa|the us|the uk|germany|france"
        r"|india|china|japan|latin america|canada|australia)"
        r"|(?:moves?|moving|push\w*|branch\w*) into|entry into|international growth|footprint"
        r"|establish\w* .{0,30}(?:subsidiary|office|division|presence|unit|department)"
        r"|scal(?:es|ing) up|ramp\w* up|broaden\w*|extend\w* (?:its )?(?:reach|presence)"
        r"|spin-?(?:off|out)"
        r"|eroffnet\w*|expandiert|neuer? standort|niederlassung|ausbau|neues? werk|erweitert"
        r"|ouvre\b|ouverture|s'implante|implantation|nouveau (?:site|siege|bureau)|nouvelle usine"
        r"|s'etend"
        r"|abre\b|abrira|apertura|nueva (?:sede|planta|oficina)|se expande|amplia"
    ),
    SignalType.LEADERSHIP_CHANGE: (
        r"(?:appoint|nam|promot|tap|hir|elect|elevat|poach|recruit)\w*\b.{0,90}\b"
        + _TITLES
        + r"|\b"
        + _TITLES
        + r".{0,60}\b(?:appointed|named|steps? (?:down|up)|stepping down|resign\w*|depart\w*"
        r"|retir\w*|leav(?:es|ing)|ousted|fired|out\b|succeed\w*|joins?|replaced?|to lead"
        r"|takes over)"
        r"|(?:join(?:s|ed)?|return(?:s|ed)?|welcom\w+|add(?:s|ed)|steps? (?:down|up)|succeeds?"
        r"|replaces?|takes over|departs?|leaves)\b.{0,70}\b"
        + _TITLES
        + r"|\b(?:new|interim|incoming|outgoing) (?:\w+ )?"
        + _TITLES
        + r"|appoint(?:s|ed|ment)|leadership (?:team|change|transition|appointment)|successor"
        r"|management shake-?up"
        r"|ernennt|ernannt|beruft|berufen|neue[rn]? (?:chef\w*|ceo|cfo|geschaftsfuhrer\w*"
        r"|vorstand\w*)|tritt zuruck|rucktritt|nachfolge\w*|wechselt"
        r"|nomm\w+|nomination|nouveau (?:pdg|directeur|patron|president)|nouvelle (?:pdg"
        r"|directrice|patronne)|demission\w*|succede"
        r"|nombra\w*|nombramiento|nuev[oa] (?:director\w*|president\w*|ceo|consejer\w*)|dimite"
        r"|dimision|sustituye"
    ),
    SignalType.PARTNERSHIP: (
        r"partner(?:s|ed|ing|ship|ships)\b|strategic partner|collaborat\w*|\balliances?\b"
        r"|teams? up|teaming up|joint venture|joins? forces|tie-?up|works? with|working with"
        r"|(?:signs?|signed|inks?|inked|strikes?|announces?) .{0,50}(?:agreement|deal|contract"
        r"|mou|memorandum|pact)|agreement with|deal with|contract (?:with|from|award)"
        r"|wins? (?:\w+ )?contract|together with|integrat(?:es|ion) with|co-?develop\w*"
        r"|select(?:s|ed)\b|chooses|in (?:conjunction|cooperation) with|supply deal"
        r"|partnerschaft|kooperation|kooperiert|zusammenarbeit|arbeitet .{0,30}zusammen"
        r"|vertrag mit|allianz mit"
        r"|partenariat|s'associe|s'allie|alliance avec|accord avec|collabore"
        r"|alianza|se asocia|acuerdo con|asociacion con|colabora\w*|convenio"
    ),
    SignalType.PRODUCT_LAUNCH: (
        r"launch\w*|unveil\w*|introduc\w*|releas(?:es|ed|ing)\b|debut\w*|roll(?:s|ed|ing)? out"
        r"|rollout|now available|general availability|announces? (?:the )?(?:availability|new"
        r"|next)|new (?:\w+ ){0,3}(?:product|platform|feature|service|app|tool|solution|version"
        r"|model|device|system|line)\b|presents?\b|showcas\w*|reveals?\b"
        r"|brings? (?:\w+ ){0,4}to (?:market|life)|unveiling|first-ever|ships\b"
        r"|stellt .{0,60}\bvor\b|vorgestellt|fuhrt .{0,40}\bein\b|bringt .{0,50}auf den markt"
        r"|neue[rs]? (?:produkt|plattform|version|dienst)|prasentiert"
        r"|\blance\b|lancement|devoile|presente|\blanza\w*|lanzamiento|presenta\b|estrena"
    ),
    SignalType.ACQUISITION: (
        r"acqui(?:re|res|red|ring|sition|sitions|hire)\b|\bmerg(?:e|es|ed|er|ers|ing)\b|takeover"
        r"|take[- ]private|buyout|bought\b|buys\b|to buy\b|buying\b|snaps? up|purchas\w*|\bm&a\b"
        r"|sale (?:of|to)|s(?:ell|old|ells|elling)\b.{0,60}\b(?:to|business|unit|stake|division"
        r"|assets)|divest\w*|combination with|majority stake|takes? over|hostile bid|\bbid (?:for"
        r"|to)|\bdeal\b.{0,40}\b(?:valued|worth)|go private|tender offer|absorb\w*"
        r"|ubernimmt|ubernahme|kauft|verkauft|fusion\w*|zukauf|schluckt"
        r"|rachet\w*|acquisition|acquiert|fusionn\w*|\bopa\b|reprise"
        r"|adquier\w*|adquisicion|\bcompra\w*|fusion\b|absorbe"
    ),
    SignalType.LAYOFF: (
        r"lay(?:s|ing)? ?-?offs?|laid off|job cuts?|cut(?:s"
        r"|ting)? (?:[\d,.%]+ ?(?:of )?)?(?:\w+ ){0,3}(?:jobs|staff|workforce|positions|roles"
        r"|employees|headcount)|redundanc\w*|downsiz\w*|workforce reduction|reduc\w+ (?:its "
        r"|the )?(?:workforce|headcount|staff)|slash\w* .{0,30}(?:jobs|staff|workforce)"
        r"|fires? [\d,]+|retrench\w*|restructuring|furlough\w*|plant closure|(?:closes|closing"
        r"|shuts?|shutting) (?:down )?(?:its |the )?(?:\w+ )?(?:plant|office|factory|site|store)"
        r"|entlass\w*|stellenabbau|baut .{0,40}(?:stellen|arbeitsplatze|jobs) ab"
        r"|streicht .{0,30}(?:stellen|jobs)|kundig\w*|kurzarbeit"
        r"|licenci\w*|suppressions? (?:de |d')(?:postes|emplois)|supprime\w* .{0,30}(?:postes"
        r"|emplois)|plan social"
        r"|despid\w*|despedi\w*|recorte\w* (?:de )?(?:plantilla|empleo|personal|puestos)|\bere\b"
    ),
    SignalType.REGULATORY: (
        r"regulat\w*|approv\w*|\bfda\b|\bema\b|\bsec\b|\bftc\b|\bdoj\b|\bcma\b|antitrust"
        r"|compliance|clearance|510\(k\)|licen[cs]\w+|authori[sz]\w*|certif\w*|\bgdpr\b|lawsuit"
        r"|\bfin(?:e|es|ed)\b|probe|investigat\w*|settle\w*|ban(?:s|ned)?\b|legislation|ruling"
        r"|court|watchdog|european commission|ce mark\w*|orphan drug|designation|subpoena|inquiry"
        r"|patent"
        r"|aufsicht\w*|kartellamt|zulassung|genehmig\w*|bussgeld|behorde|bafin|datenschutz|lizenz"
        r"|autorite|amende|autorisation|agrement|reglement\w*|cnil|homologation|enquete"
        r"|regulador\w*|multa\b|sancion\w*|aprob\w*|autoriza\w*|licencia\b|normativa|cnmc"
    ),
    SignalType.AWARD: (
        r"\bawards?\b|awarded|\bw[io]ns?\b|winner|honou?r\w*|recogni[sz]\w*|named (?:a |an |to "
        r"|among |one of |as a |in )|(?:best|top|fastest|great) (?:\w+ ){0,3}(?:place|places"
        r"|companies|company|employers?|startups?|growing)|ranked|ranks\b|leader in"
        r"|magic quadrant|forrester wave|finalist|prize|accolade|shortlist\w*|inc\.? 5000"
        r"|fast 50\w*|hall of fame"
        r"|ausgezeichnet|auszeichnung|\bpreis\b|gewinnt|preistrager|gewinner"
        r"|\bprix\b|recompens\w*|laureat\w*|distingu\w*|remporte"
        r"|premi(?:o|os|ada|ado)\b|galardon\w*|reconocid\w*|\bgana\b|distincion"
    ),
    SignalType.NEGATIVE_PRESS: (
        r"scandal|lawsuits?|\bsu(?:e|es|ed|ing)\b|fraud\w*|breach\w*|hack\w*|data leak|leak(?:s"
        r"|ed)|recall\w*|outage|\bdowntime\b|bankrupt\w*|insolven\w*|chapter 11|accus\w*|alleg\w*"
        r"|probe|investigat\w*|criticis\w*|criticiz\w*|backlash|controvers\w*|loss(?:es)?\b"
        r"|plung\w*|tumbl\w*|slump\w*|fall(?:s|ing)?\b|downgrad\w*|complain\w*|fined?\b"
        r"|misconduct|harassment|ransomware|cyber ?-?attack|strike\b|default(?:s|ed)?\b|warn(?:s"
        r"|ed|ing)\b|shut(?:s|ting)? down|collaps\w*|boycott|under fire|crisis|mislead\w*|missed"
        r"|scam|violat\w*|toxic|exploit\w*|fail(?:s|ed|ure)?\b"
        r"|skandal|klage\b|verklagt|betrug|datenleck|hackerangriff|insolvenz\w*|ruckruf"
        r"|vorwurf\w*|vorwurfe|kritik|verlust\w*|ermittl\w*|streik"
        r"|scandale|plainte|fraude|faillite|piratage|rappel|accus\w*|critique\w*|pertes?|enquete"
        r"|greve|fuite de donnees"
        r"|escandalo|demanda\w*|quiebra|ciberataque|hackeo|acusa\w*|criticas|perdidas"
        r"|investiga\w*|huelga|filtracion"
    ),
}
