"""Invented people and companies: names of several cultures, titles, firms and their domains."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from enrico.sandbox.draw import Draw

# All of Latin-1, because a Salesforce Data Export is.
CULTURES: dict[str, tuple[str, str]] = {
    "en": (
        "Ada Alice Amelia Benjamin Charlotte Claire Daniel Deborah Edward Eleanor Emily "
        "Ethan Grace "
        "Hannah Henry Isabel Jack James Jessica Jonathan Joseph Karen Laura Lucas "
        "Margaret Mark Mary "
        "Matthew Megan Michael Natalie Nathan Oliver Patrick Rachel Rebecca Richard Robert Samuel "
        "Sarah Sean Sophie Stephen Susan Thomas Victoria William Zoe",
        "Adams Allen Baker Bennett Brooks Byrne Carter Chapman Clarke Coleman Cooper "
        "Davies Edwards "
        "Evans Fletcher Foster Gibson Graham Grant Griffiths Hayes Henderson Hughes Jenkins Kelly "
        "Lawson Mason McCarthy Mitchell Murphy O'Brien O'Connor Palmer Parker Pearce "
        "Porter Reynolds "
        "Richards Shaw Simmons Spencer Stewart Sullivan Turner Walsh Watts Webster "
        "Whitaker Winters",
    ),
    "de": (
        "Anja Annette Bernd Birgit Christoph Dieter Florian Franziska Friedrich Hannes Ingrid Jörg "
        "Jürgen Katharina Klaus Lena Lukas Markus Matthias Monika Nils Petra Sabine Stefan Svenja "
        "Tobias Ulrike Uwe Wolfgang",
        "Bauer Becker Böhm Brandt Engel Fischer Friedrich Großmann Hartmann Hoffmann Huber Jäger "
        "Keller Köhler König Krüger Lehmann Möller Müller Neumann Richter Schäfer Schmitt Schröder "
        "Schwarz Vogel Wagner Weiß Winkler Zimmermann",
    ),
    "fr": (
        "Aurélie Baptiste Benoît Camille Cécile Chloé Clément Étienne François Françoise Gaëlle "
        "Guillaume Hélène Jérôme Julien Laurent Margaux Mathilde Nicolas Océane Pascal "
        "Rémi Sébastien "
        "Sylvie Thérèse Thibault Valérie Yann",
        "Bernard Blanchard Boucher Chevalier Dubois Dupuis Fontaine Fournier Garnier "
        "Gauthier Girard "
        "Lambert Lefèvre Lemaire Marchand Martin Mercier Moreau Noël Perrin Renard "
        "Rousseau Roussel "
        "Thibaut Vasseur",
    ),
    "es": (
        "Alejandro Álvaro Andrés Beatriz Carlos Carmen Cristina Elena Fernando Gonzalo Inés Iván "
        "Javier Jesús José Lucía Luis Manuel Marta Martín Mónica Pablo Pilar Raúl Rocío "
        "Sergio Sofía "
        "Teresa Verónica",
        "Aguilar Álvarez Cabrera Castillo Díaz Domínguez Fernández Flores García Gómez Guerrero "
        "Gutiérrez Hernández Ibáñez Jiménez López Marín Martínez Medina Muñoz Núñez Ortega Pérez "
        "Ramírez Ríos Rodríguez Romero Sánchez Suárez Vázquez",
    ),
    "pt": (
        "Ana Bruno Caio Débora Diogo Eduardo Fábio Fernanda Flávia Gustavo Henrique Inês "
        "João Juliana "
        "Leandro Letícia Luísa Marcelo Mariana Márcio Patrícia Rafael Renata Rodrigo Simão Tatiana "
        "Thiago Vinícius",
        "Almeida Araújo Azevedo Barbosa Cardoso Carvalho Conceição Costa Cunha Ferreira Gonçalves "
        "Lima Macedo Magalhães Mendonça Moreira Nascimento Oliveira Pinheiro Ribeiro "
        "Sousa Teixeira",
    ),
    "it": (
        "Alessandro Alessia Andrea Bianca Chiara Davide Elisa Emanuele Federica Francesco Giorgia "
        "Giulia Lorenzo Luca Marco Martina Matteo Nicolò Paola Riccardo Silvia Stefano Valentina",
        "Barbieri Bianchi Caruso Colombo Conti D'Angelo De Luca Esposito Fabbri Ferrara "
        "Galli Gentile "
        "Greco Lombardi Mancini Marchetti Moretti Pellegrini Ricci Rinaldi Romano Serra Villa",
    ),
    "nordic": (
        "Anders Astrid Björn Elin Emil Freja Gunnar Håkan Ida Ingeborg Jonas Karin Kåre Kjell Lars "
        "Linnéa Magnus Maja Mikkel Niels Oskar Pernille Rasmus Sigrid Signe Søren Tove Åsa",
        "Andersen Berg Bergström Christensen Dahl Eriksson Hagen Halvorsen Hansson Holm Håkansson "
        "Jørgensen Karlsson Kristiansen Lindqvist Lund Nilsen Nyström Olsen Rasmussen Sandberg "
        "Solberg Sørensen Åkesson",
    ),
    "in": (
        "Aarav Aditi Amit Ananya Anjali Arjun Deepak Divya Gaurav Ishaan Kavita Kiran "
        "Lakshmi Manish "
        "Meera Neha Nikhil Pooja Pradeep Priya Rahul Rajesh Ritu Rohan Sanjay Shreya Sunita Suresh "
        "Vikram",
        "Agarwal Banerjee Bhatt Chatterjee Chopra Desai Deshmukh Ghosh Gupta Iyer Joshi "
        "Kapoor Khanna "
        "Kulkarni Malhotra Mehta Menon Mishra Nair Patel Pillai Rao Reddy Saxena Sharma "
        "Shetty Singh "
        "Srinivasan Verma",
    ),
    "east": (
        "Akira Aiko Chen Daiki Fang Haruto Hiroshi Hui Jia Jin Jun Kenji Li Lin Mei Min Minh Naoko "
        "Ping Qing Sakura Seo-yeon Takeshi Thanh Tuan Wei Xin Yan Yoko Yuki Zhen",
        "Cao Chang Chen Fujimoto Han Hayashi Huang Ishikawa Kim Kobayashi Lee Li Lin Liu "
        "Matsuda Mori "
        "Nakamura Nguyen Park Pham Saito Sun Suzuki Takahashi Tanaka Tran Wang Watanabe "
        "Wu Xu Yamada "
        "Yang Zhang Zhao Zhou",
    ),
    "africa": (
        "Abena Adaeze Aisha Amara Babajide Chidi Chinedu Fatou Folake Ibrahim Jabari Kofi Kwame "
        "Lindiwe Mariam Nia Ngozi Olumide Omar Samira Sipho Thabo Uche Wanjiku Yusuf Zainab Zola",
        "Abubakar Achebe Adeyemi Afolabi Asante Balogun Boateng Danjuma Diallo Dlamini Eze Hassan "
        "Kamau Keita Mbeki Mensah Mohammed Mutua Ndlovu Nkosi Obi Ochieng Okafor Okonkwo "
        "Osei Owusu "
        "Sow Traoré",
    ),
}
_SPLIT = {
    code: (tuple(first.split()), tuple(last.replace("De Luca", "De\u00a0Luca").split()))
    for code, (first, last) in CULTURES.items()
}
_WEIGHTED = (
    *("en",) * 9,
    *("de", "fr", "es", "in", "east") * 2,
    *("pt", "it", "nordic", "africa"),
)
# Top-level domains and the cultures that lead there.
_HOME = {
    ".de": "de",
    ".at": "de",
    ".fr": "fr",
    ".es": "es",
    ".mx": "es",
    ".br": "pt",
    ".pt": "pt",
    ".it": "it",
    ".se": "nordic",
    ".no": "nordic",
    ".dk": "nordic",
    ".in": "in",
    ".jp": "east",
}


def home_of(domain: str) -> str | None:
    """The culture that a domain belongs to, if its ending says: ``.de`` → ``de``."""
    return _HOME.get(domain[domain.rfind(".") :])


def culture_of(draw: Draw, domain: str) -> str:
    """A culture for somebody at this domain: half of the staff is local where the domain says."""
    home = home_of(domain)
    chosen = draw.pick(_WEIGHTED)
    local = draw.chance(0.5)
    return home if home and local else chosen


def draw_name(draw: Draw, culture: str) -> tuple[str, str]:
    """First and last name: ``("Jürgen", "Großmann")``."""
    first, last = _SPLIT[culture]
    return draw.pick(first), draw.pick(last).replace("\u00a0", " ")


_ASCII = str.maketrans(
    {"ß": "ss", "ø": "o", "Ø": "O", "ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe"}
)


def plain(text: str) -> str:
    """Lower-case letters and digits only: ``Großmann`` → ``grossmann``, as in addresses."""
    if text.isascii() and text.isalpha():
        return text.lower()
    bare = unicodedata.normalize("NFKD", text.translate(_ASCII))
    return "".join(letter for letter in bare.lower() if letter.isascii() and letter.isalnum())


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_FIRM_FIRST = _words(
    "Northwind Bluestone Copperfield Silverline Larkspur Ironbark Brightwater Kestrel Juniper "
    "Halcyon Marlowe Tamarack Redfern Oakhaven Windrose Starling Ashgrove Foxglove Greywood Harrow "
    "Lanternfish Millbrook Nightjar Osprey Pinecrest Quillfeather Ravenscar Saltmarsh Thistledown "
    "Umberfield Velvetleaf Wrenfield Yarrow Zephyrine Amberlode Birchmere Cinderford Driftmark "
    "Elderwick Fernhollow Gildenrook Heathrune Inkwell Jasperton Kingsmere Lodestone Mossgate "
    "Nettlecombe Overmoor Peregrin Quarrystone Rookhaven Sablewood Tidewright Upshire Vantholm "
    "Wolfsden Corvane Dovetern Emberly"
)
_FIRM_SECOND = _words(
    "Robotics Logistics Foods Analytics Therapeutics Energy Freight Software Textiles Instruments "
    "Payments Aerospace Biolabs Mobility Materials Security Insurance Media Diagnostics Networks "
    "Outfitters Semiconductor Hospitality Recycling Packaging Agritech Maritime Studios Optics "
    "Furniture"
)
_FIRM_THIRD = ("", "Group", "North", "Global", "Partners", "Works", "Systems", "Alliance", "One")
_TLDS = (
    *(".com",) * 13,
    ".io",
    ".io",
    ".ai",
    ".co",
    ".co.uk",
    ".co.uk",
    ".de",
    ".de",
    ".fr",
    ".es",
    ".it",
    ".se",
    ".com.br",
    ".in",
)
_LEGAL = ("", "", "", "", "", " Inc.", " Inc", " LLC", ", Inc.", " Corp.")
_LEGAL_AT_HOME = {
    ".de": ("", " GmbH", " AG"),
    ".fr": ("", " SAS", " SA"),
    ".es": ("", " S.L.", " S.A."),
    ".it": ("", " S.p.A.", " S.r.l."),
    ".se": ("", " AB"),
    ".com.br": ("", " Ltda"),
    ".co.uk": ("", " Ltd", " plc"),
    ".in": ("", " Pvt Ltd"),
}
INDUSTRIES = (
    "information technology & services",
    "computer software",
    "financial services",
    "logistics & supply chain",
    "hospital & health care",
    "mechanical or industrial engineering",
    "retail",
    "renewables & environment",
    "biotechnology",
    "insurance",
    "telecommunications",
    "food & beverages",
)


@dataclass(frozen=True, slots=True)
class Firm:
    """An invented company."""

    name: str
    domain: str
    industry: str


@lru_cache(maxsize=8_192)
def firm(seed: int, number: int) -> Firm:
    """Invented company ``number``; two numbers never share a domain.

    ``firm(7, 0)`` might be Northwind Robotics Inc. at ``northwind-robotics.com``.
    """
    pairs = len(_FIRM_FIRST) * len(_FIRM_SECOND)
    turn, place = divmod(number, pairs)
    # 1123 and the number of pairs have no common factor, so that every pair comes once in a turn.
    place = (place * 1123 + seed * 101) % pairs
    first, second = divmod(place, len(_FIRM_SECOND))
    series, third = divmod(turn, len(_FIRM_THIRD))
    words = [_FIRM_FIRST[first], _FIRM_SECOND[second], _FIRM_THIRD[third]]
    if series:
        words.append(str(series + 1))
    name = " ".join(word for word in words if word)
    draw = Draw(seed, "firm", name)
    tld = draw.pick(_TLDS)
    legal = draw.pick(_LEGAL_AT_HOME.get(tld, _LEGAL))
    return Firm(name + legal, name.lower().replace(" ", "-") + tld, draw.pick(INDUSTRIES))
