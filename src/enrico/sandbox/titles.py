"""Job titles as people write them, with the level and department that they stand for."""

from __future__ import annotations

from dataclasses import dataclass

from enrico.sandbox.draw import Draw


@dataclass(frozen=True, slots=True)
class Field:
    """A line of work: Apollo's names for it, and how titles call it."""

    function: str
    department: str
    label: str
    chief: tuple[str, str]
    staff: tuple[str, ...]


FIELDS: tuple[Field, ...] = (
    Field(
        "sales",
        "master_sales",
        "Sales",
        ("Chief Revenue Officer", "CRO"),
        ("Account Executive", "Sales Development Representative", "Sales Coordinator"),
    ),
    Field(
        "marketing",
        "master_marketing",
        "Marketing",
        ("Chief Marketing Officer", "CMO"),
        ("Content Strategist", "Marketing Coordinator", "Growth Marketer", "SEO Specialist"),
    ),
    Field(
        "engineering",
        "master_engineering_technical",
        "Engineering",
        ("Chief Technology Officer", "CTO"),
        ("Software Engineer", "Backend Developer", "Site Reliability Engineer", "QA Engineer"),
    ),
    Field(
        "finance",
        "master_finance",
        "Finance",
        ("Chief Financial Officer", "CFO"),
        ("Financial Analyst", "Accountant", "Payroll Specialist", "Treasury Analyst"),
    ),
    Field(
        "operations",
        "master_operations",
        "Operations",
        ("Chief Operating Officer", "COO"),
        ("Operations Coordinator", "Supply Chain Planner", "Logistics Coordinator", "Buyer"),
    ),
    Field(
        "information_technology",
        "master_information_technology",
        "IT",
        ("Chief Information Officer", "CIO"),
        ("Systems Administrator", "Network Engineer", "Security Analyst", "Solutions Architect"),
    ),
    Field(
        "human_resources",
        "master_human_resources",
        "People",
        ("Chief People Officer", "CHRO"),
        ("HR Business Partner", "Recruiter", "Talent Acquisition Specialist"),
    ),
    Field(
        "legal",
        "master_legal",
        "Legal",
        ("Chief Legal Officer", "General Counsel"),
        ("Legal Counsel", "Contracts Specialist", "Paralegal", "Compliance Analyst"),
    ),
    Field(
        "product_management",
        "product_management",
        "Product",
        ("Chief Product Officer", "CPO"),
        ("Product Owner", "UX Researcher", "Product Analyst"),
    ),
    Field(
        "data_science",
        "master_engineering_technical",
        "Data",
        ("Chief Data Officer", "CDO"),
        ("Data Scientist", "Data Engineer", "BI Analyst"),
    ),
    Field(
        "administrative",
        "master_operations",
        "Administration",
        ("Chief of Staff", "Chief Administrative Officer"),
        ("Executive Assistant to the CEO", "Office Coordinator", "Assistant to the CFO"),
    ),
)

_BY_FUNCTION = {field.function: field for field in FIELDS}

SENIORITIES: tuple[str, ...] = (
    *("owner",) * 1,
    *("founder",) * 3,
    *("c_suite",) * 9,
    *("partner",) * 1,
    *("vp",) * 13,
    *("head",) * 8,
    *("director",) * 19,
    *("manager",) * 21,
    *("senior",) * 12,
    *("entry",) * 12,
    *("intern",) * 1,
)

_ENGLISH: dict[str, tuple[str, ...]] = {
    "owner": ("Owner", "Owner & Managing Director"),
    "founder": ("Founder & CEO", "Co-Founder", "Co-Founder and {chief}", "Founder"),
    "c_suite": ("{chief}", "{short}", "{chief} ({short})", "Chief Executive Officer", "{short}"),
    "partner": ("Partner", "Managing Partner"),
    "vp": ("VP {label}", "VP of {label}", "Vice President, {label}", "SVP {label}", "EVP, {label}"),
    "head": ("Head of {label}", "Global Head of {label}", "Head of {label}, EMEA"),
    "director": (
        "Director of {label}",
        "{label} Director",
        "Sr. Director, {label}",
        "Director, {label}",
    ),
    "manager": (
        "{label} Manager",
        "Senior Manager, {label}",
        "{label} Operations Manager",
        "Mgr {label}",
    ),
    "senior": ("Senior {staff}", "Sr {staff}", "Lead {staff}", "Principal {staff}"),
    "entry": ("{staff}", "{staff}", "Junior {staff}"),
    "intern": ("{label} Intern", "Working Student, {label}"),
}
_LOCAL: dict[str, dict[str, tuple[str, ...]]] = {
    "de": {
        "owner": ("Inhaber",),
        "c_suite": ("Geschäftsführer", "Vorstand {label}", "Kaufmännischer Leiter"),
        "vp": ("Bereichsleiter {label}", "VP {label} DACH"),
        "head": ("Leiter {label}", "Leiterin {label}"),
        "director": ("Direktor {label}", "Abteilungsleiter {label}"),
        "manager": ("Teamleiter {label}", "Referent {label}"),
        "entry": ("Sachbearbeiter {label}", "Einkäufer"),
    },
    "fr": {
        "owner": ("Gérant",),
        "c_suite": ("Directeur général", "Directrice financière", "Président-directeur général"),
        "vp": ("Vice-président {label}",),
        "head": ("Responsable {label}",),
        "director": ("Directeur {label}", "Directrice des achats"),
        "manager": ("Chef de projet", "Responsable adjoint {label}"),
        "entry": ("Chargé de mission", "Assistante de direction"),
    },
    "es": {
        "owner": ("Propietario",),
        "c_suite": ("Director General", "Consejero Delegado", "Directora Financiera"),
        "vp": ("Vicepresidente de {label}",),
        "head": ("Jefe de {label}", "Jefa de {label}"),
        "director": ("Director de {label}", "Directora de Compras"),
        "manager": ("Gerente de {label}",),
        "entry": ("Técnico de {label}", "Analista"),
    },
    "pt": {
        "c_suite": ("Diretor Executivo", "Diretora Financeira"),
        "head": ("Líder de {label}",),
        "director": ("Diretor de {label}",),
        "manager": ("Gerente de {label}", "Coordenadora de {label}"),
        "entry": ("Analista de {label}",),
    },
    "it": {
        "c_suite": ("Amministratore Delegato", "Direttore Generale"),
        "director": ("Direttore {label}", "Direttrice Acquisti"),
        "manager": ("Responsabile {label}",),
    },
}
_LOCAL_LABELS: dict[str, dict[str, str]] = {
    "de": {
        "sales": "Vertrieb",
        "finance": "Finanzen",
        "operations": "Einkauf",
        "engineering": "Entwicklung",
        "human_resources": "Personal",
        "legal": "Recht",
    },
    "fr": {
        "sales": "commercial",
        "finance": "financier",
        "operations": "achats",
        "engineering": "technique",
        "human_resources": "RH",
        "legal": "juridique",
    },
    "es": {
        "sales": "Ventas",
        "finance": "Finanzas",
        "operations": "Operaciones",
        "engineering": "Ingeniería",
        "human_resources": "Recursos Humanos",
        "information_technology": "Sistemas",
    },
    "pt": {"sales": "Vendas", "finance": "Finanças", "information_technology": "TI"},
    "it": {"sales": "Vendite", "finance": "Finanza", "operations": "Acquisti"},
}


@dataclass(frozen=True, slots=True)
class Job:
    """A title and what it means; ``seniority`` is one of Apollo's words."""

    title: str
    seniority: str
    field: Field


def draw_job(draw: Draw, home: str | None) -> Job:
    """A job in a company of this culture; half of the titles there are in its language."""
    seniority = draw.pick(SENIORITIES)
    field = draw.pick(FIELDS)
    own = _LOCAL.get(home or "", {}).get(seniority) if draw.chance(0.5) else None
    if own is None:
        return Job(write_title(draw, draw.pick(_ENGLISH[seniority]), field), seniority, field)
    label = _LOCAL_LABELS.get(home or "", {}).get(field.function, field.label)
    return Job(draw.pick(own).format(label=label), seniority, field)


def earlier_title(draw: Draw, function: str) -> str:
    """What somebody in this line of work may have been before."""
    level = draw.pick(("entry", "senior", "manager", "manager", "director"))
    return write_title(draw, draw.pick(_ENGLISH[level]), _BY_FUNCTION[function])


def write_title(draw: Draw, pattern: str, field: Field) -> str:
    """Fill a pattern: ``VP of {label}`` → ``VP of Sales``."""
    if "{" not in pattern:
        return pattern
    return pattern.format(
        label=field.label, chief=field.chief[0], short=field.chief[1], staff=draw.pick(field.staff)
    )
