"""The ten buying roles, and the words by which CRMs and their users call them."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from typing import Final

from enrico.domain.spelling import fold, written_out
from enrico.domain.word_tables import word_set


class BuyingRole(StrEnum):
    """The part that a person plays in one deal."""

    CHAMPION = "champion"
    ECONOMIC_BUYER = "economic_buyer"
    DECISION_MAKER = "decision_maker"
    EXECUTIVE_SPONSOR = "executive_sponsor"
    TECHNICAL_EVALUATOR = "technical_evaluator"
    INFLUENCER = "influencer"
    COACH = "coach"
    END_USER = "end_user"
    LEGAL_PROCUREMENT = "legal_procurement"
    BLOCKER = "blocker"

    @property
    def label(self) -> str:
        """The role for people to read: ``Economic buyer``."""
        return _LABELS[self]


_LABELS: Final = {
    BuyingRole.CHAMPION: "Champion",
    BuyingRole.ECONOMIC_BUYER: "Economic buyer",
    BuyingRole.DECISION_MAKER: "Decision maker",
    BuyingRole.EXECUTIVE_SPONSOR: "Executive sponsor",
    BuyingRole.TECHNICAL_EVALUATOR: "Technical evaluator",
    BuyingRole.INFLUENCER: "Influencer",
    BuyingRole.COACH: "Coach",
    BuyingRole.END_USER: "End user",
    BuyingRole.LEGAL_PROCUREMENT: "Legal and procurement",
    BuyingRole.BLOCKER: "Blocker",
}

ROLE_ORDER: Final[tuple[BuyingRole, ...]] = (
    BuyingRole.ECONOMIC_BUYER,
    BuyingRole.DECISION_MAKER,
    BuyingRole.EXECUTIVE_SPONSOR,
    BuyingRole.CHAMPION,
    BuyingRole.BLOCKER,
    BuyingRole.TECHNICAL_EVALUATOR,
    BuyingRole.LEGAL_PROCUREMENT,
    BuyingRole.COACH,
    BuyingRole.INFLUENCER,
    BuyingRole.END_USER,
)
"""Which role comes first when nothing else decides: who signs, who moves, who is heard."""

ROLE_PLACE: Final = {role: place for place, role in enumerate(ROLE_ORDER)}
"""The place of each role in ``ROLE_ORDER``, to sort by."""

# Salesforce's defaults and HubSpot's values (contracts of both), customers' own wordings, and the
# same in German, French, Spanish, Portuguese, Italian and Dutch. Case, accents, hyphens and a
# plural s do not matter.
_WORDINGS: Final[dict[BuyingRole, str]] = {
    BuyingRole.CHAMPION: """champion; internal champion; project champion; business champion;
        advocate; internal advocate; mobilizer; mobiliser; supporter; promoter; evangelist;
        fürsprecher; fürsprecherin; befürworter; befürworterin; unterstützer; unterstützerin;
        promotor; ambassadeur; ambassadrice; défenseur; soutien interne; partisan; campeón;
        campeona; promotora; defensor; defensora; aliado; aliado interno; campeão; campeã;
        defensor interno; promotore; promotrice; sostenitore; sostenitrice; ambasciatore;
        kampioen; voorvechter; voorstander; pleitbezorger; ambassadeur interne""",
    BuyingRole.ECONOMIC_BUYER: """economic buyer; economical buyer; economic decision maker;
        economic; budget holder; budget owner; budget authority; budget; budget approver;
        budget decision maker; financial buyer; financial decision maker; financial approver;
        finance approver; purse holder; funding authority; meddic economic buyer;
        budgetverantwortlicher; budgetverantwortliche; budgetverantwortung; budgetinhaber;
        budgetinhaberin; budgetträger; wirtschaftlicher entscheider; wirtschaftliche entscheiderin;
        wirtschaftlicher käufer; kaufmännischer entscheider; finanzieller entscheider;
        détenteur du budget; détentrice du budget; détenteur de budget; responsable du budget;
        responsable budget; responsable budgétaire; acheteur économique; acheteuse économique;
        décideur économique; décideur financier; décisionnaire économique;
        responsable de presupuesto; responsable del presupuesto; titular del presupuesto;
        dueño del presupuesto; comprador económico; compradora económica; decisor económico;
        detentor do orçamento; dono do orçamento; responsável pelo orçamento;
        responsável do orçamento; comprador econômico; comprador económico; decisor econômico;
        responsabile del budget; responsabile budget; titolare del budget; detentore del budget;
        acquirente economico; decisore economico; budgethouder; budgetverantwoordelijke;
        budgeteigenaar; economische koper; economisch beslisser; economische beslisser""",
    BuyingRole.DECISION_MAKER: """decision maker; decisionmaker; dm; decider; decision taker;
        business decision maker; approver; final approver; signer; signatory; contract signer;
        authorized signer; authorised signatory; final authority; authority;
        entscheider; entscheiderin; entscheidungsträger; entscheidungsträgerin;
        entscheidungsbefugter; geschäftlicher entscheider; unterzeichner; freigeber;
        décideur; décideuse; décisionnaire; preneur de décision; preneur de décisions; signataire;
        responsable de la décision; prise de décision; tomador de decisiones;
        tomadora de decisiones; tomador de decisión; responsable de decisiones;
        responsable de la toma de decisiones; encargado de tomar decisiones; decisor; decisora;
        quien decide; firmante; aprobador; tomador de decisão; tomadora de decisão;
        tomador de decisões; responsável pela decisão; responsável pelas decisões; aprovador;
        decisore; decisora; decisionista; responsabile delle decisioni; responsabile decisionale;
        chi decide; firmatario; approvatore; beslisser; besluitvormer; beslissingsnemer;
        beslissingsbevoegde; beslissingsmaker; besluitnemer; tekenbevoegde""",
    BuyingRole.EXECUTIVE_SPONSOR: """executive sponsor; exec sponsor; sponsor; project sponsor;
        executive; c level sponsor; senior sponsor; business sponsor; management sponsor;
        sponsor der geschäftsleitung; sponsor im management; führungskraft als sponsor; förderer;
        projektsponsor; sponsor exécutif; sponsor de direction; parrain; parrain exécutif;
        commanditaire; patrocinador ejecutivo; patrocinadora ejecutiva; patrocinador;
        sponsor ejecutivo; patrocinador executivo; patrocinadora executiva; sponsor executivo;
        sponsor esecutivo; sponsor della direzione; uitvoerend sponsor; uitvoerende sponsor;
        directiesponsor; projectsponsor""",
    BuyingRole.TECHNICAL_EVALUATOR: """technical evaluator; evaluator; technical buyer; tech buyer;
        technical decision maker; tdm; technical approver; technical lead; technical contact;
        technical influencer; technical; tech evaluator; technical champion; technical reviewer;
        security reviewer; security evaluator; it evaluator; it decision maker; itdm;
        technischer evaluator; technischer prüfer; technische prüferin; technischer entscheider;
        technischer einkäufer; technischer käufer; gutachter; prüfer; bewerter;
        technischer ansprechpartner; évaluateur; évaluatrice; évaluateur technique;
        acheteur technique; décideur technique; prescripteur technique; évaluatrice technique;
        évaluation technique; evaluador; evaluadora; evaluador técnico; evaluadora técnica;
        comprador técnico; decisor técnico; avaliador; avaliadora; avaliador técnico;
        avaliadora técnica; valutatore; valutatrice; valutatore tecnico; acquirente tecnico;
        decisore tecnico; technisch beoordelaar; technische beoordelaar; beoordelaar;
        technische koper; technisch beslisser; technische beslisser; evaluateur""",
    BuyingRole.INFLUENCER: """influencer; influencing; key influencer; recommender; initiator;
        business influencer; stakeholder; key stakeholder; gatekeeper; adviser; advisor;
        subject matter expert; sme; beeinflusser; beeinflusserin; meinungsbildner; einflussnehmer;
        meinungsbildnerin; meinungsführer; empfehler; influenceur; influenceuse; prescripteur;
        prescriptrice; leader d'opinion; influenciador; influenciadora; influyente; influente;
        prescriptor; prescriptora; recomendador; influenzatore; influenzatrice; beïnvloeder;
        invloedrijke persoon; adviseur""",
    BuyingRole.COACH: """coach; internal coach; inside coach; guide; mentor; deal coach; informant;
        inside contact; berater intern; interner coach; informateur; coach interne; guía; mentora;
        entrenador; orientador; guia; treinador; interne coach; mentore; gids""",
    BuyingRole.END_USER: """end user; enduser; user; business user; key user; power user;
        user buyer; product user; day to day user; daily user; endnutzer; endnutzerin; endanwender;
        endanwenderin; anwender; anwenderin; nutzer; nutzerin; benutzer; benutzerin;
        geschäftsanwender; geschäftlicher benutzer; fachanwender; schlüsselanwender;
        utilisateur; utilisatrice; utilisateur final; utilisatrice finale; utilisateur métier;
        utilisateur clé; utilisateur professionnel; usuario; usuaria; usuario final;
        usuaria final; usuario de negocio; usuario clave; usuario empresarial; usuário; usuária;
        usuário final; usuária final; usuário chave; usuário de negócios; utilizador;
        utilizadora; utilizador final; utente; utente finale; utente aziendale; utilizzatore;
        utilizzatore finale; utilizzatrice; eindgebruiker; gebruiker; zakelijke gebruiker;
        sleutelgebruiker""",
    BuyingRole.LEGAL_PROCUREMENT: """legal procurement; legal; procurement; purchasing; buyer;
        purchaser; legal and compliance; legal compliance; compliance; legal counsel reviewer;
        legal reviewer; legal approver; legal contact; procurement contact; purchasing contact;
        contracts; contract manager; contracting; vendor management; legal and procurement;
        procurement and legal; commercial buyer; recht; rechtsabteilung; recht und compliance;
        recht und einkauf; einkauf; einkäufer; einkäuferin; beschaffung; vertragsprüfer;
        juridique; service juridique; juridique et conformité; conformité; achats; achat;
        acheteur; acheteuse; service achats; juridique et achats; jurídico; asuntos legales;
        legal y cumplimiento; jurídico y cumplimiento; cumplimiento; compras; comprador;
        compradora; departamento de compras; adquisiciones; legal y compras; jurídico e compliance;
        jurídico e conformidade; legal e conformidade; conformidade; suprimentos; aquisições;
        jurídico e compras; legale; ufficio legale; legale e conformità; legale e compliance;
        conformità; acquisti; ufficio acquisti; acquirente; approvvigionamento; legale e acquisti;
        juridisch; juridische zaken; juridisch en compliance; juridische zaken en compliance;
        inkoop; inkoper; aanbesteding; juridisch en inkoop""",
    BuyingRole.BLOCKER: """blocker; detractor; opponent; adversary; enemy; antagonist; objector;
        skeptic; sceptic; anti champion; competitor champion; anti sponsor; blockierer;
        blockiererin; gegner; gegnerin; verhinderer; bremser; kritiker; kritikerin; bloqueur;
        bloqueuse; opposant; opposante; détracteur; détractrice; frein; bloqueador; bloqueadora;
        bloqueante; opositor; opositora; detractora; detrator; detratora; oponente; bloccante;
        oppositore; oppositrice; detrattore; detrattrice; blokker; blokkeerder; tegenstander;
        dwarsligger""",
}
_NO_ROLE: Final = """other; others; none; no role; not set; unknown; n a; na; unassigned; undefined;
    to be determined; tbd; sonstige; sonstiges; sonstiger; andere; anderer; keine; unbekannt; autre;
    autres; aucun; aucune; inconnu; otro; otra; otros; ninguno; ninguna; desconocido; outro; outra;
    outros; nenhum; nenhuma; desconhecido; altro; altra; altri; nessuno; nessuna; sconosciuto;
    anders; overig; overige; geen; onbekend; primary contact"""


# Words that say how much, not what.
_FILLERS: Final = word_set(
    "the a an key primary main final ultimate lead our internal meddic meddpicc role"
)
# Words that CRM admins hang on a field that names a person.
_FIELD_SUFFIXES: Final = word_set(
    "c name names contact contacts email mail id ids person people lookup field full"
)


def _words(text: str) -> list[str]:
    """``DecisionMaker`` → decision, maker; ``Économique (n° 1)`` → economique, n, 1."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return re.findall(r"[^\W_]+", fold(spaced).replace("&", " and "))


def _key(words: list[str]) -> str:
    """One spelling for singular and plural, with and without a space: no spaces, no final s."""
    return "".join(w[:-1] if len(w) > 3 and w.endswith("s") else w for w in words)


def _table() -> dict[str, BuyingRole]:
    table: dict[str, BuyingRole] = {}
    for role, wordings in _WORDINGS.items():
        for wording in wordings.split(";"):
            for spelling in (wording, written_out(wording)):
                table.setdefault(_key(_words(spelling)), role)
    for role in BuyingRole:
        table[_key(_words(role.value))] = role
    return table


_ROLE_BY_KEY: Final = _table()
_NO_ROLE_KEYS: Final = frozenset(_key(_words(word)) for word in _NO_ROLE.split(";"))


def _find(words: list[str]) -> BuyingRole | None:
    if not words:
        return None
    role = _ROLE_BY_KEY.get(_key(words))
    if role is None:
        plain = [word for word in words if word not in _FILLERS]
        role = _ROLE_BY_KEY.get(_key(plain)) if plain else None
    return role


def _read_piece(piece: str) -> list[BuyingRole]:
    whole = _find(_words(piece))
    if whole is None:
        whole = _find(_words(re.sub(r"\([^)]*\)", " ", piece)))
    if whole is not None:
        return [whole]
    parts = re.split(r"[/+&()]|\s[-–]\s|\b(?:and|und|et|y|e|en)\b", piece, flags=re.IGNORECASE)
    return [role for part in parts if (role := _find(_words(part))) is not None]


@lru_cache(maxsize=4096)
def read_role_label(label: str) -> tuple[BuyingRole, ...]:
    """The buying roles that a CRM's label stands for, in ``ROLE_ORDER``, each once.

    ``Economic Decision Maker`` → economic_buyer; ``;CHAMPION;BLOCKER`` → champion, blocker.
    Empty for a blank label, for "Other" and the like (see :func:`is_no_role`), and for a word that
    is no role we know, such as a job title (``CFO``).
    """
    found = {role for piece in re.split(r"[;,|\n]", label) for role in _read_piece(piece)}
    return tuple(role for role in ROLE_ORDER if role in found)


@lru_cache(maxsize=4096)
def is_no_role(label: str) -> bool:
    """Whether a label says on purpose that there is no role: blank, ``Other``, ``n/a``."""
    pieces = [_words(piece) for piece in re.split(r"[;,|\n]", label)]
    return all(not words or _key(words) in _NO_ROLE_KEYS for words in pieces)


@lru_cache(maxsize=1024)
def read_role_field(name: str) -> BuyingRole | None:
    """The role that a deal's field names people for: ``Champion_Name__c`` → champion."""
    words = _words(name)
    while words and (role := _find(words)) is None and words[-1] in _FIELD_SUFFIXES:
        words.pop()
    return role if words else None
