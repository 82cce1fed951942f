"""The word lists that identity rests on: legal forms, role accounts, mail and host names.

Written by hand from what is commonly met; a miss costs one look-up, a false hit loses a person,
so a word that is also a usual surname or company name stays out.
"""

from __future__ import annotations

from enrico.domain.word_tables import word_set

PLACEHOLDERS = frozenset(
    """n/a|na|n.a.|n.a|#n/a|n\\a|null|nil|none|(none)|no value|(no value)|(blank)|blank|(empty)
|empty|-|--|---|–|—|_|.|..|...|?|??|???|xx|xxx|tbd|tba|tbc|unknown|(unknown)|unbekannt
|unassigned|undefined|not set|not available|not applicable|nan|#ref!|#value!|#name?
|#div/0!|#null!|#num!|keine|keine angabe|k.a.|k. a.|ninguno|ninguna|sin valor|sin datos
|desconocido|desconocida|s/d|aucun|aucune|inconnu|inconnue|non renseigné|nessuno|nessuna
|sconosciuto|n.d.|nd|n/d|nenhum|nenhuma|desconhecido|geen|onbekend|n.v.t.|nvt|test|[null]
|000000000000000|000000000000000aaa""".replace("\n", "").split("|")
)
"""Whole texts, in lower case, that stand for nothing."""

ROLE_LOCAL_PARTS = word_set(
    """
    abuse accountmanager accountmanagement accounting accounts accountspayable
    accountsreceivable admin administracao administracion administrador administrateur
    administratie administration administrator administrazione ads adverts advertising
    advisors affiliate affiliates agency aide alert alerts all allstaff ap ar api appointments
    apps archive assistance assistencia atencionalcliente atendimento audit backoffice
    bestellung bestellungen benefits bewerbung bewerbungen billing biuro board bookings
    booking bookkeeping boutique buchhaltung buchung business buero buro ca calidad callcenter
    campaign care career careers ceooffice client clientes clients clienti comercial commande
    commandes comments commercial commerciale communication communications community company
    compliance compras compta comptabilite comunicacion comunicacao comunicazione conference
    consulta consultas contabilidad contabilidade contabilita contact contactar contacto
    contactus contacts contato contatti contatto contracts corporate courrier crm customer
    customercare customers customerservice customersupport daemon data dataprotection
    datenschutz debitoren delivery demo desk dev developer developers devops direccion
    direction directie direzione dispatch dns domain domains dpo ecommerce editor editorial
    einkauf email empfang empleo engineering enquire enquiries enquiry envios equipo
    escritorio estimating events everyone export facturacion faktura facturas facturation
    facturen fattura fatture faturamento faturas faq feedback finance financeiro finances
    financien finanz finanzas finanzen fiscal formation founders freight frontdesk ftp
    fulfillment gdpr general generalinquiries geral gestion hallo hello help helpdesk helpline
    hey hi hola hostmaster hotline hr hrd humanresources iletisim impressum inbox inbound info
    infodesk informacion informacje informatica information informations informatie
    informazioni infos inkoop inquiries inquiry insurance intake internet investorrelations
    invest investors invoice invoices invoicing ir it itsupport jobs job kantoor karriere
    klantenservice kontakt kontor kundendienst kundenservice kundeservice kundtjanst lagal
    leads legal library licensing list listserv logistica logistics logistiek logistik lohn
    mail mailbox mailer mailerdaemon mailman maintenance management manager marketing media
    mediarelations membership mitarbeiter mktg moderator multimedia network networking
    newbusiness news newsletter noc notification notifications notify office officeadmin
    officemanager oficina online onlineshop operations operation ops order orders ordini
    ordens parceiros partner partners partnerships payable payables payment payments payroll
    pedidos personal personeel personalabteilung planning planung post postfach postmaster pr
    praxis prensa presales presse press privacy procurement produccion production produktion
    projects projekte promo promotions prospects protocol publicidad publicrelations purchase
    purchasing qa quality qualite quotes receivables recepcion receptie reception rechnung
    rechnungen rechnungswesen recrutement recruiting recruitment redaction redaktion registrar
    registration rekrutierung relacionamento remittance renewals reply reports request
    requests reservas reservation reservations reservierung returns rezeption rh root rrhh sac
    sales salesteam salesops salesinfo school scrum secretaria secretariat secretary security
    segreteria sekretariat server service serviceclient servicedesk services servicioalcliente
    shipping shop sklep social solutions soporte spam sprzedaz staff stampa statements store
    studio subscribe subscriptions subs suporte supply support supporto supportteam
    suprimentos sysadmin system systems talent team tech technical technik technique
    techsupport tecnico tenders tesoreria tickets trade training transport travel treasury
    trouble ufficio unsubscribe update updates usenet user users vendas vendedor vendite
    vendor vendors ventas vente ventes vertrieb verkauf verkoop versand verwaltung voicemail
    warehouse web webadmin webdesign webmaster webshop website webteam welcome whois wholesale
    workshop www zakaz zentrale
    """
)
"""Mailboxes of a function, not of a person, unless the person's name explains them; compared
without ``.``, ``-`` and ``_``."""

SURE_FUNCTIONS = word_set(
    """
    accounting accounts accountspayable accountsreceivable admin administracion administration
    administrator backoffice bestellung bestellungen bewerbung billing booking bookings bookkeeping
    buchhaltung callcenter careers compliance compras compta comptabilite contabilidad contabilita
    customercare customerservice customersupport einkauf empfang enquiries facturacion frontdesk
    helpdesk helpline hotline info informacion information infos inkoop inquiries invoice invoices
    invoicing itsupport klantenservice kundendienst kundenservice kundeservice logistics logistik
    marketing newsletter office officemanager oficina orders payables payroll pedidos postmaster
    presales procurement purchasing recepcion reception rechnung rechnungen recruiting recruitment
    reservations sales secretaria secretariat segreteria sekretariat service servicedesk soporte
    support supporto vendite ventas ventes vertrieb verkauf webmaster
    """
)
"""Those that a number may follow, as in ``sales2``; behind other words it often tells people
apart."""

PLACEHOLDER_LOCAL_PARTS = word_set(
    """
    noreply donotreply dontreply doesnotreply noresponse noemail nomail nobody none null na
    unknown undefined test testing tester testuser fake fakeemail dummy placeholder example
    sample asdf asdfasdf qwerty aaa abc xxx xyz noone notavailable noaddress blank unbekannt
    keine keineemail sincorreo nocorreo sinemail noaplica semail sememail pasdemail nessuna
    nomailaddress anonymous bounce bounces mailerdaemon devnull noemailaddress
    """
)
"""No one reads these, or they were typed to get past a required field."""

PLACEHOLDER_DOMAINS = word_set(
    """
    example.com example.org example.net example.edu example.de test.com test.de test.org
    test.net testing.com none.com noemail.com nomail.com noreply.com domain.com yourdomain.com
    mydomain.com company.com yourcompany.com mycompany.com website.com yourwebsite.com
    placeholder.com fake.com invalid.com unknown.com null.com nowhere.com asdf.com aaa.com
    abc.xyz xyz.xyz email.invalid noemail.invalid na.com sample.com dummy.com
    localhost.localdomain sentry.io.invalid user.com.invalid
    """
)

PLACEHOLDER_HOSTS = word_set(
    "localhost localdomain local test none null na example invalid unknown nowhere noemail no"
)
"""Whole hosts of one label that mean nothing, as in ``none@none``."""

FREE_MAIL = word_set(
    """
    gmail.com googlemail.com yahoo.com ymail.com rocketmail.com myyahoo.com hotmail.com
    hotmail.it hotmail.fr outlook.com live.com msn.com passport.com windowslive.com icloud.com
    me.com mac.com aol.com aim.com verizon.net comcast.net att.net sbcglobal.net bellsouth.net
    cox.net charter.net earthlink.net optonline.net juno.com netzero.net frontier.com
    frontiernet.net windstream.net centurylink.net roadrunner.com rr.com twc.com
    suddenlink.net mail.com email.com usa.com inbox.com fastmail.com fastmail.fm hushmail.com
    proton.me protonmail.com protonmail.ch pm.me tutanota.com tutanota.de tuta.io tuta.com
    keemail.me mailbox.org posteo.de posteo.net zoho.com zohomail.com zohomail.eu hey.com
    duck.com runbox.com startmail.com gmx.de gmx.net gmx.at gmx.ch gmx.com gmx.us web.de
    t-online.de freenet.de arcor.de online.de kabelmail.de vodafone.de vodafonemail.de
    unitybox.de 1und1.de email.de mail.de bluewin.ch sunrise.ch hispeed.ch aon.at chello.at
    a1.net utanet.at orange.fr wanadoo.fr free.fr laposte.net sfr.fr neuf.fr bbox.fr
    numericable.fr aliceadsl.fr club-internet.fr noos.fr libero.it virgilio.it tiscali.it
    alice.it tin.it tim.it inwind.it iol.it email.it fastwebnet.it tiscali.co.uk
    btinternet.com btopenworld.com ntlworld.com virginmedia.com blueyonder.co.uk sky.com
    talktalk.net plusnet.com o2.co.uk telefonica.net terra.es ono.com ya.com movistar.es
    euskalnet.net wanadoo.es uol.com.br bol.com.br terra.com.br ig.com.br globo.com
    globomail.com r7.com oi.com.br sapo.pt clix.pt netcabo.pt iol.pt mail.pt ziggo.nl
    kpnmail.nl kpnplanet.nl planet.nl hetnet.nl home.nl xs4all.nl upcmail.nl casema.nl
    quicknet.nl chello.nl telfort.nl telenet.be skynet.be proximus.be scarlet.be pandora.be
    tele2.nl telia.com bredband.net spray.se comhem.se tele2.se online.no frisurf.no
    kolumbus.fi luukku.com suomi24.fi jubii.dk ofir.dk stofanet.dk wp.pl o2.pl onet.pl onet.eu
    interia.pl interia.eu op.pl poczta.fm tlen.pl gazeta.pl vp.pl seznam.cz centrum.cz
    volny.cz post.cz azet.sk centrum.sk zoznam.sk freemail.hu citromail.hu abv.bg mail.bg
    dir.bg ukr.net i.ua meta.ua bigmir.net mail.ru list.ru bk.ru inbox.ru internet.ru
    rambler.ru yandex.ru yandex.com yandex.ua ya.ru qq.com foxmail.com 163.com 126.com
    yeah.net sina.com sina.cn sohu.com aliyun.com 139.com 189.cn tom.com 21cn.com naver.com
    daum.net hanmail.net nate.com kakao.com docomo.ne.jp ezweb.ne.jp softbank.ne.jp nifty.com
    biglobe.ne.jp so-net.ne.jp ocn.ne.jp excite.co.jp rediffmail.com sify.com indiatimes.com
    in.com bigpond.com bigpond.net.au optusnet.com.au iinet.net.au tpg.com.au iprimus.com.au
    internode.on.net xtra.co.nz slingshot.co.nz shaw.ca rogers.com sympatico.ca bell.net
    telus.net videotron.ca cogeco.ca mweb.co.za telkomsa.net vodamail.co.za webmail.co.za
    walla.co.il walla.com netvision.net.il mynet.com superonline.com prodigy.net.mx
    speedy.com.ar fibertel.com.ar arnet.com.ar ciudad.com.ar vtr.net une.net.co mail.ee hot.ee
    inbox.lv inbox.lt one.lt otenet.gr in.gr forthnet.gr lycos.com excite.com netscape.net
    lavabit.com cock.li mailfence.com disroot.org riseup.net
    """
)

FREE_MAIL_BRANDS = word_set("yahoo hotmail outlook gmx googlemail gmail rocketmail ymail")
"""Free under every country's ending: ``yahoo.co.uk``, ``hotmail.fr``."""

LIVE_ENDINGS = word_set(
    "com co.uk fr nl de it be ca se dk no at ie cl com.mx com.ar com.pt com.au jp cn co.za in ru"
)

DISPOSABLE = word_set(
    """
    mailinator.com mailinator.net mailinator2.com guerrillamail.com guerrillamail.net
    guerrillamail.org guerrillamail.biz guerrillamail.de guerrillamail.info
    guerrillamailblock.com sharklasers.com grr.la pokemail.net spam4.me 10minutemail.com
    10minutemail.net 10minutemail.org 20minutemail.com 10minemail.com 33mail.com tempmail.com
    temp-mail.org temp-mail.io temp-mail.com tempmail.net tempmail.dev tempmailo.com
    tempmailaddress.com tempail.com tempinbox.com tempemail.net tempemail.co tempr.email
    throwawaymail.com throwaway.email trashmail.com trashmail.de trashmail.net trashmail.me
    trashmail.org trash-mail.com trash-mail.de wegwerfmail.de wegwerfmail.net wegwerfmail.org
    wegwerfemail.de wegwerfadresse.de yopmail.com yopmail.fr yopmail.net cool.fr.nf
    jetable.fr.nf jetable.com jetable.net jetable.org courriel.fr.nf moncourrier.fr.nf
    nospam.ze.tm dispostable.com disposablemail.com disposable.com discard.email
    discardmail.com discardmail.de mailnesia.com maildrop.cc mailcatch.com mailnull.com
    mailexpire.com mailmoat.com mailtemp.info mailsac.com mytemp.email mytrashmail.com
    getnada.com nada.email inboxkitten.com inboxbear.com inboxalias.com moakt.com moakt.cc
    emailondeck.com emailfake.com fakeinbox.com fakemail.net fakemailgenerator.com
    fake-mail.com fakemail.fr spamgourmet.com spamex.com spambox.us spambog.com spambog.de
    spambog.ru spamfree24.org spamhole.com spamherelots.com spam.la spamavert.com spamday.com
    spaml.de spamspot.com incognitomail.com incognitomail.org anonbox.net anonymbox.com
    antispam.de burnermail.io burnthespam.info byom.de crazymailing.com cuvox.de armyspy.com
    dayrep.com einrot.com fleckens.hu gustr.com jourrapide.com rhyta.com superrito.com
    teleworm.us deadaddress.com despam.it dodgeit.com dodgit.com dontreg.com drdrb.com
    dump-email.info dumpmail.de e4ward.com easytrashmail.com email60.com emailsensei.com
    emailtemporanea.com emailtemporanea.net emailtemporario.com.br emailwarden.com emltmp.com
    filzmail.com frapmail.com getairmail.com getonemail.com gishpuppy.com great-host.in
    haltospam.com harakirimail.com hidemail.de hmamail.com ieatspam.eu ieatspam.info
    imails.info instant-mail.de jnxjn.com kasmail.com klzlk.com kurzepost.de lhsdv.com
    linshiyouxiang.net litedrop.com lroid.com luxusmail.org mail-temp.com mail-temporaire.fr
    mail.tm mail.gw mailforspam.com mailfreeonline.com mailimate.com mailin8r.com mailme.lv
    mailpoof.com mailshell.com mailzilla.com meltmail.com mierdamail.com minuteinbox.com
    mintemail.com mohmal.com mt2015.com neverbox.com no-spam.ws nobulk.com noclickemail.com
    nogmailspam.info nomail.xl.cx nowmymail.com objectmail.com one-time.email onewaymail.com
    owlymail.com pjjkp.com poofy.org proxymail.eu putthisinyourspamdatabase.com quickinbox.com
    rcpt.at recode.me safetymail.info sandelf.de saynotospams.com selfdestructingmail.com
    shieldemail.com shitmail.me smellfear.com sneakemail.com sofort-mail.de sogetthis.com
    soodonims.com squizzy.de stopspam.org supergreatmail.com suremail.info tafmail.com
    temporaryemail.net temporaryinbox.com thankyou2010.com thisisnotmyrealemail.com tmail.ws
    tmailinator.com tmpmail.net tmpmail.org tradermail.info trbvm.com twinmail.de tyldd.com
    uggsrock.com uroid.com veryrealemail.com vomoto.com vubby.com wh4f.org whyspam.me
    willselfdestruct.com wuzup.net xagloo.com zehnminutenmail.de zetmail.com zippymail.info
    zoemail.org 1secmail.com 1secmail.net 1secmail.org esiix.com wwjmp.com internxt.com
    mailto.plus fexpost.com fexbox.org mailbox.in.ua rover.info chitthi.in fextemp.com
    any.pink merepost.com dropmail.me 10mail.org emlhub.com emlpro.com spymail.one laafd.com
    vusra.com tmailor.com cloudtempmail.com
    """
)

NOT_A_COMPANY_SITE = word_set(
    """
    linkedin.com facebook.com fb.com fb.me twitter.com instagram.com youtube.com youtu.be
    tiktok.com pinterest.com xing.com vk.com ok.ru weibo.com snapchat.com threads.net
    whatsapp.com wa.me t.me telegram.me discord.gg discord.com reddit.com medium.com
    substack.com tumblr.com flickr.com vimeo.com crunchbase.com glassdoor.com yelp.com
    wikipedia.org angel.co wellfound.com kununu.com trustpilot.com meetup.com linktr.ee
    about.me calendly.com eventbrite.com github.com gitlab.com bitbucket.org behance.net
    dribbble.com wordpress.com blogspot.com blogger.com wix.com wixsite.com weebly.com
    squarespace.com jimdo.com jimdofree.com webnode.com strikingly.com godaddysites.com
    site123.me yolasite.com tripod.com angelfire.com geocities.com webflow.io carrd.co
    notion.site notion.so typepad.com livejournal.com netlify.app vercel.app herokuapp.com
    pages.dev github.io gitlab.io firebaseapp.com web.app azurewebsites.net appspot.com
    amazonaws.com cloudfront.net myshopify.com shopify.com etsy.com ebay.com business.site
    negocio.site bit.ly bitly.com t.co goo.gl tinyurl.com ow.ly buff.ly is.gd lnkd.in
    rebrand.ly cutt.ly rb.gy shorturl.at tiny.cc t.ly s.id short.io dlvr.it trib.al
    """
)
"""Social pages, site builders, hosting, short links: they do not say who owns the page."""

SHARED_HOSTS = word_set(
    """
    sites.google.com docs.google.com drive.google.com maps.google.com plus.google.com
    forms.gle goo.gl maps.app.goo.gl play.google.com apps.apple.com itunes.apple.com
    onedrive.live.com 1drv.ms
    """
)

COUNTRY_REGISTRIES = word_set(
    """
    uk.com us.com de.com eu.com gb.com br.com cn.com co.com ru.com sa.com se.com jp.com hu.com
    no.com za.com uy.com gb.net uk.net se.net hu.net jp.net in.net eu.org us.org co.nl co.no
    co.de com.de ae.org mex.com
    """
)
"""Private suffixes under which companies register like under a country."""

LEGAL_FORMS = frozenset(
    form.strip()
    for form in """
ab|abp|ag|ag & co kg|as|asa|a s|aps|ans|avv|bhd|bv|bvba|bt|cv|cvba|cic|cio|co|co inc|co kg
|co kgaa|co ltd|co ohg|company|compagnie|compania|cia|cie|corp|corporation|corporacion|cpt
|cyf|dac|dba|dd|doo|d o o|e c|ev|e v|eeig|eg|ehf|eireli|ek|e k|e kfm|epp|eurl|ood|ood|fze
|fzco|fz llc|gbr|gesmbh|ges m b h|gie|gmbh|gmbh & co|gmbh & co kg|gmbh and co kg
|gmbh und co kg|gmbh & co ohg|gmbh & co kgaa|ggmbh|mbh|hf|ik|inc|incorporated
|incorporation|jsc|js|kft|kg|kgaa|kk|k k|kabushiki kaisha|kb|ky|lda|limitada|ltda|limited
|limited liability company|liability company|llc|llc co|llp|lllp|lp|ltd|ltd co|ltee
|ltd sti|ltd şti|as sti|mei|nl|nv|n v|nyrt|oao|oo|ooo|oy|oyj|ohg|ong|ou|og|pao|pbc|pc|pjsc
|plc|pllc|psc|private limited|pte|pte ltd|pty|pty ltd|proprietary limited|pt|pvt|pvt ltd
|qpsc|rt|s a|s a b|s a s|s c|s l|s p a|s r l|s r o|sa|sa de cv|sa de c v|sab|sab de cv|sae
|sal|saog|saoc|sapi|sapi de cv|sarl|sas|sasu|sau|sc|sca|scop|scpa|scrl|scs|sdn bhd|sdn|se
|sgps|sicav|sia|sk|sl|slne|sll|slu|snc|soc coop|societa per azioni|sociedad anonima
|sociedad limitada|sociedade anonima|societe anonyme|societe par actions simplifiee
|aktiengesellschaft|gesellschaft mbh|gesellschaft mit beschrankter haftung|aktiebolag
|aktieselskab|anpartsselskab|naamloze vennootschap|besloten vennootschap|osakeyhtio|spa
|sp j|sp k|sp z oo|sp z o o|spol s r o|spol sro|spolka z oo|sprl|srl|srls|srl de cv
|s de rl de cv|s de rl|sro|ss|tmi|ug|ug haftungsbeschrankt|ug haftungsbeschraenkt
|haftungsbeschrankt|unlimited|ulc|unltd|uab|vof|v o f|vzw|asbl|wll|w l l|xp|yk|zao|zrt|zoo
|z oo|z s|tbk|persero tbk|& co|and co|und co|et cie|y cia|e hijos|hijos de|gesellschaft""".replace(
        "\n", ""
    ).split("|")
)
"""Ends of company names after folding (dots gone, other marks to spaces)."""

LEADING_LEGAL_FORMS = word_set("pt ooo oao zao pao tov uab sia as ao firma fa cv")
"""Forms that some languages put in front of the name."""

SURE_LEADING_FORMS = word_set("pt ooo oao zao pao tov uab sia firma")
"""Those that are hardly ever the first word of a name itself."""

CJK_LEGAL_FORMS = (
    "株式会社",
    "有限会社",
    "合同会社",
    "股份有限公司",
    "有限责任公司",
    "有限公司",
    "주식회사",
)
