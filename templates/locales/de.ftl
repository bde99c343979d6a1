### Deutsch, mit „Sie“. Dieselben Nachrichten, Variablen und Elemente wie in en.ftl.

## Auf jeder Seite

client-unnamed = Ein Programm ohne Namen
title-error = Fehler: { $title }
unverified = Nicht geprüft
privacy-policy = Datenschutzerklärung
terms-of-service = Nutzungsbedingungen

## Anmeldung

login-title = Anmelden
login-request = <strong>{ $client }</strong> möchte <strong>{ $resource }</strong> verwenden. Sie entscheiden nach der Anmeldung.
login-unverified = Diesen Namen hat es sich selbst gegeben.
login-website = Der Zugriff geht an <strong>{ $place }</strong>.
login-this-computer = Der Zugriff geht an <strong>{ $place }</strong>, ein Programm auf diesem Computer.
login-program = Der Zugriff geht an <strong>{ $place }</strong>, ein Programm auf diesem Gerät.
login-device = Der Zugriff geht an das Gerät, das <strong>{ $place }</strong> anzeigt.
login-credentials-wrong = <strong>Die Angaben stimmen nicht.</strong> Prüfen Sie Benutzername und Passwort und versuchen Sie es noch einmal.
login-too-many-attempts = <strong>Zu viele Versuche.</strong> Warten Sie eine Minute und versuchen Sie es dann noch einmal.
login-username = Benutzername
login-password = Passwort
login-submit = Anmelden
login-forgot = Passwort vergessen?
login-email-code = Code per E-Mail senden

login-wait-seconds =
    { $count ->
        [one] <strong>Zu viele Versuche.</strong> Warten Sie eine Sekunde und versuchen Sie es dann noch einmal.
       *[other] <strong>Zu viele Versuche.</strong> Warten Sie { $count } Sekunden und versuchen Sie es dann noch einmal.
    }
login-wait-minutes =
    { $count ->
        [one] <strong>Zu viele Versuche.</strong> Warten Sie eine Minute und versuchen Sie es dann noch einmal.
       *[other] <strong>Zu viele Versuche.</strong> Warten Sie { $count } Minuten und versuchen Sie es dann noch einmal.
    }
login-provider = Weiter mit { $provider }
sign-in-why = Danach sehen Sie, welche Programme mit Ihrem Konto verbunden sind, und können Ihr Passwort ändern.
sign-in-again = Noch einmal anmelden
sign-in-again-why = Ihre Anmeldung liegt einige Zeit zurück. Bitte bestätigen Sie, dass Sie es sind.
sign-in-other-account = <strong>Das ist ein anderes Konto</strong> als das, das hier angemeldet ist. Bestätigen Sie mit demselben, oder melden Sie sich zuerst ab.

## Der zweite Schritt

second-step-title = Noch ein Schritt
second-step-account = Um sich als <strong>{ $account }</strong> anzumelden.
second-step-required = <strong>Ein Passwort allein reicht hier nicht.</strong> Richten Sie jetzt eine Authenticator-App ein; die nächste Anmeldung fragt nach einem Code von ihr.
second-step-code_wrong = <strong>Das passte nicht.</strong> Ein Code gilt einmal und höchstens eine Minute lang: Geben Sie den ein, der jetzt zu sehen ist.
second-step-set_up_wrong = <strong>Dieser Code passte nicht.</strong> Geben Sie den ein, den die App jetzt zeigt. Wenn es dabei bleibt, lassen Sie das Gerät seine Uhr selbst stellen.

authenticator-scan = Scannen Sie das mit Ihrer Authenticator-App.
authenticator-picture = QR-Code des Schlüssels darunter
authenticator-type = Oder geben Sie diesen Schlüssel in die App ein:
authenticator-type-only = Geben Sie diesen Schlüssel in Ihre Authenticator-App ein:
authenticator-code = Code, den die App zeigt
authenticator-submit = App einrichten

recovery-title = Wiederherstellungscodes
recovery-once = <strong>Bewahren Sie diese Codes jetzt auf.</strong> Sie werden nur dieses eine Mal gezeigt. Mit jedem können Sie sich einmal anmelden, zusammen mit dem Passwort, wenn Sie für den zweiten Schritt nichts anderes haben.
recovery-continue = Weiter
recovery-use = Wiederherstellungscode benutzen
recovery-code = Wiederherstellungscode
recovery-hint = Einer von denen, die Sie beim Einrichten des zweiten Schritts aufbewahrt haben.

second-factor-title = Zweiter Schritt bei der Anmeldung
second-factor-account = Damit kommt niemand als <strong>{ $account }</strong> hinein, der nur das Passwort kennt.
second-factor-none = Nicht eingerichtet
second-factor-app = Authenticator-App
second-factor-since = Eingerichtet { $time }
second-factor-remove = Entfernen
second-factor-remove-what = Nach ihr wird nicht mehr gefragt. Ohne Passkey reicht dann das Passwort allein, und die Wiederherstellungscodes sind nichts mehr wert.
second-factor-remove-yes = Ja, entfernen
second-factor-codes-left =
    { $count ->
        [one] noch ein Wiederherstellungscode
       *[other] noch { $count } Wiederherstellungscodes
    }
second-factor-new-codes = Neue anlegen
second-factor-new-codes-what = Die bisherigen gelten dann nicht mehr.
second-factor-new-codes-yes = Ja, neue anlegen
second-factor-another = Andere App einrichten
second-factor-another-what = Die bisherige und ihre Wiederherstellungscodes gelten nicht mehr, sobald die neue eingerichtet ist.
second-factor-problem-set_up_wrong = <strong>Dieser Code passte nicht.</strong> Es wurde nichts geändert. Geben Sie den ein, den die App jetzt zeigt. Wenn es dabei bleibt, lassen Sie das Gerät seine Uhr selbst stellen.
second-factor-problem-sent_before = <strong>Diese App ist schon eingerichtet.</strong> Wenn Sie die Wiederherstellungscodes nicht aufbewahrt haben, legen Sie unten neue an.
second-factor-problem-required = <strong>Ein Passwort allein reicht hier nicht.</strong> Es wurde nichts entfernt. Sie können unten eine andere App einrichten.

## Passkeys

passkey-title = Mit Passkey anmelden
passkey-use = Passkey benutzen
passkey-look = Ihr Browser fragt jetzt danach.
passkey-failed = <strong>Das hat nicht geklappt oder wurde abgebrochen.</strong> Drücken Sie auf den Knopf, um es noch einmal zu versuchen.
passkey-script = <strong>Passkeys brauchen JavaScript.</strong> Es ist hier abgeschaltet: Gehen Sie zurück und benutzen Sie etwas anderes.
passkey-other = Etwas anderes benutzen
passkeys-title = Passkeys
passkeys-account = Ein Passkey auf Ihrem Gerät oder Sicherheitsschlüssel meldet Sie als <strong>{ $account }</strong> an, ohne Passwort. Vom ersten an reicht das Passwort allein nicht mehr.
passkeys-count =
    { $count ->
        [0] keine
        [one] ein Passkey
       *[other] { $count } Passkeys
    }
passkeys-new = Passkey hinzufügen
passkeys-make = Passkey anlegen
passkeys-name-hint = Wo er ist, zum Beispiel das Gerät oder der Schlüssel.
passkeys-rename = Umbenennen
passkeys-new-name = Neuer Name
passkeys-rename-yes = Namen speichern
passkeys-remove-what = Er meldet niemanden mehr an. Ohne einen anderen und ohne App reicht dann das Passwort allein, und die Wiederherstellungscodes sind nichts mehr wert.
passkeys-codes-why = Sie sind dafür da, wenn Sie keinen Passkey zur Hand haben.
passkeys-back = Zurück zu Ihren Passkeys
passkeys-problem-name = <strong>Der Passkey braucht einen Namen</strong> von bis zu 80 Zeichen.
passkeys-problem-new_name = <strong>Der Passkey behält seinen Namen.</strong> Ein Name hat 1 bis 80 Zeichen.
passkeys-problem-too_many = <strong>Sie haben zu viele Passkeys.</strong> Entfernen Sie zuerst einen.
passkeys-problem-refused = <strong>Es wurde kein Passkey hinzugefügt.</strong> Es dauerte zu lange, oder was der Browser antwortete, passte nicht. Versuchen Sie es noch einmal.
passkeys-problem-required = <strong>Ein Passwort allein reicht hier nicht.</strong> Es wurde nichts entfernt. Fügen Sie zuerst einen anderen Passkey oder eine App hinzu.

## Das Konto

account-title = Ihr Konto
account-sign-out = Abmelden
account-email = Nachrichten an Sie gehen an <strong>{ $address }</strong>.
account-no-email = Von Ihnen ist hier keine E-Mail-Adresse bekannt, deshalb wird Ihnen nichts gesendet.
account-email-change = Das kann nur der Betreiber dieses Servers ändern.
account-apps = Verbundene Programme
account-no-app = Kein Programm ist verbunden.
account-set-up = Vom Betreiber dieses Servers eingerichtet
account-uses = Verwendet <strong>{ $resource }</strong>
account-allowed = Erlaubt { $time }
account-last-used = zuletzt verwendet { $time }
account-not-used = noch nicht verwendet
account-until = bis { $time }
account-disconnect = Trennen
account-remembered = Danach wurden Sie nicht gefragt, weil Sie dasselbe schon erlaubt hatten.
account-disconnect-what = Es verliert innerhalb von Sekunden den Zugriff und muss Sie erneut fragen.
account-disconnect-others =
    { $count ->
        [one] Eine weitere Verbindung, die aus derselben Antwort kam, endet damit.
       *[other] { $count } weitere Verbindungen, die aus derselben Antwort kamen, enden damit.
    }
account-disconnect-yes = Ja, trennen
account-disconnect-all = Alle Programme trennen
account-disconnect-all-what = Jedes Programm verliert innerhalb von Sekunden den Zugriff und muss Sie erneut fragen.
account-disconnect-all-yes = Ja, alle trennen
account-tokens = Persönliche Token
account-token-for = Für <strong>{ $resource }</strong>
account-made = Erstellt { $time }
account-revoke = Widerrufen
account-revoke-what = Was es verwendet, verliert innerhalb von Sekunden den Zugriff.
account-revoke-yes = Ja, widerrufen
account-browsers = Wo Sie angemeldet sind
account-this-browser = Dieser Browser
account-another-browser = Ein anderer Browser
account-since = Seit { $time }
account-last-seen = zuletzt gesehen { $time }
account-sign-out-there = Dort abmelden
account-sign-out-elsewhere = Überall sonst abmelden
account-end-everything = Überall abmelden und alles trennen
account-end-everything-what = Jeder Browser wird abgemeldet, auch dieser, und jedes Programm und jedes persönliche Token verliert innerhalb von Sekunden den Zugriff. Wie Sie sich anmelden, bleibt gleich.
account-end-everything-yes = Ja, alles beenden
account-data = Ihre Daten
account-export-what = Eine Datei mit allem, was dieser Server über Sie aufbewahrt, ohne Geheimnisse.
account-export = Herunterladen
account-times = Alle Zeiten sind in UTC angegeben.

password-title = Passwort ändern
password-account = Für <strong>{ $account }</strong>.
password-warning = Sie werden überall sonst abgemeldet, und <strong>jedes verbundene Programm und jedes persönliche Token</strong> verliert den Zugriff. Sie können alle danach wieder verbinden.
password-old = Altes Passwort
password-new = Neues Passwort
password-new-again = Neues Passwort, noch einmal
password-wrong = <strong>Das alte Passwort stimmt nicht.</strong> Es wurde nichts geändert.
password-length = <strong>Das neue Passwort braucht mindestens { $shortest } Zeichen</strong> und höchstens tausend.
password-differ = <strong>Die beiden neuen Passwörter sind verschieden.</strong> Geben Sie zweimal dasselbe ein.
password-changed = Passwort geändert
password-changed-what = Sie sind überall sonst abgemeldet. Programme und persönliche Token von <strong>{ $account }</strong> haben keinen Zugriff mehr: Verbinden Sie die wieder, die Sie behalten möchten.
password-back = Zurück zu Ihrem Konto
password-busy = <strong>Gerade ist zu viel los.</strong> Es wurde nichts geändert. Versuchen Sie es gleich noch einmal.

## Links, die einmal gelten

setup-title = Verwalter anlegen
setup-why = Hier kann sich noch niemand anmelden. Wählen Sie Namen und Passwort des ersten Kontos; es verwaltet diesen Server.
setup-username = Benutzername oder E-Mail-Adresse
setup-name = <strong>Das kann kein Benutzername sein.</strong> Nehmen Sie bis zu 128 Buchstaben ohne Umlaute, Ziffern und . _ @ + -
setup-submit = Verwalter anlegen
setup-done = Der Verwalter ist angelegt
setup-done-what = Melden Sie sich als <strong>{ $account }</strong> an, mit dem Passwort, das Sie eben gewählt haben.
reset-title = Passwort wählen
reset-warning = Sie werden überall abgemeldet, und <strong>jedes verbundene Programm und jedes persönliche Token</strong> verliert den Zugriff. Sie können alle danach wieder verbinden.
reset-submit = Passwort speichern
reset-done = Passwort gespeichert
reset-done-what = Melden Sie sich als <strong>{ $account }</strong> an, mit dem Passwort, das Sie eben gewählt haben.

forgot-title = Passwort vergessen?
forgot-why = Geben Sie Ihren Benutzernamen oder Ihre E-Mail-Adresse ein. Sie bekommen per E-Mail einen Link, mit dem Sie ein anderes Passwort wählen.
forgot-submit = Link senden
forgot-busy = <strong>Im Moment ist zu viel los.</strong> Es wurde nichts gesendet. Versuchen Sie es gleich noch einmal.
forgot-done = Sehen Sie in Ihre E-Mails
forgot-done-what = Wenn es ein solches Konto mit einer E-Mail-Adresse gibt, ist ein Link unterwegs. Er gilt einmal, <strong>{ $minutes } Minuten</strong> lang.
forgot-done-nothing = Wenn nichts kommt, sehen Sie im Spam-Ordner nach. Auch wer diesen Server betreibt, kann Ihr Passwort neu setzen.
forgot-back = Zurück zur Anmeldung

email-code-title = Anmelden per E-Mail
email-code-why = Geben Sie Ihren Benutzernamen oder Ihre E-Mail-Adresse ein. Sie bekommen per E-Mail einen Code, den Sie hier eingeben.
email-code-submit = Code senden
email-code-sent = Wenn es ein solches Konto mit einer E-Mail-Adresse gibt, ist ein Code unterwegs. Geben Sie ihn hier ein, in diesem Browser, innerhalb von <strong>{ $minutes } Minuten</strong>.
email-code-code = Code
email-code-nothing = Wenn nichts kommt, sehen Sie im Spam-Ordner nach, oder gehen Sie zurück und verlangen Sie einen neuen: Nur der neueste Code gilt.
email-code_wrong = <strong>Das stimmt nicht.</strong> Geben Sie die acht Ziffern der neuesten Nachricht ein.
email-code_ended = <strong>Dieser Code gilt nicht mehr.</strong> Verlangen Sie einen neuen.

tokens-title = Neues persönliches Token
tokens-account = Für Skripte, und für Clients, die sich nicht anmelden können. Es handelt als <strong>{ $account }</strong>.
tokens-warning = <strong>Behandeln Sie es wie ein Passwort.</strong> Wer es hat, kann tun, was es erlaubt, bis es endet oder Sie es widerrufen.
tokens-name = Name
tokens-name-hint = Wofür es ist, zum Beispiel der Rechner, der es benutzt.
tokens-scopes = Was es erlaubt
tokens-lifetime = Wie lange
tokens-days =
    { $count ->
        [one] einen Tag
       *[other] { $count } Tage
    }
tokens-hours =
    { $count ->
        [one] eine Stunde
       *[other] { $count } Stunden
    }
tokens-minutes =
    { $count ->
        [one] eine Minute
       *[other] { $count } Minuten
    }
tokens-seconds =
    { $count ->
        [one] eine Sekunde
       *[other] { $count } Sekunden
    }
tokens-submit = Token anlegen
tokens-problem-name = <strong>Das Token braucht einen Namen</strong> von bis zu 80 Zeichen.
tokens-problem-resource = <strong>Diesen Server gibt es nicht mehr.</strong> Wählen Sie unten neu.
tokens-problem-scope = <strong>Nichts war gewählt</strong>, oder etwas, das es nicht mehr gibt. Kreuzen Sie an, was das Token erlaubt.
tokens-problem-lifetime = <strong>So lange kann es nicht gelten.</strong> Wählen Sie unten neu.
tokens-problem-sent_before = <strong>Dieses Formular wurde schon abgeschickt</strong> und hat ein Token angelegt, das nicht noch einmal gezeigt wird. Widerrufen Sie es auf der Seite Ihres Kontos, falls Sie es nicht aufbewahrt haben, und legen Sie hier ein anderes an.
tokens-problem-too_many = <strong>Sie haben zu viele Tokens.</strong> Widerrufen Sie zuerst einige auf der Seite Ihres Kontos.
tokens-made = Ihr neues Token
tokens-once = <strong>Kopieren Sie es jetzt.</strong> Es wird nur dieses eine Mal gezeigt und nirgends aufbewahrt.
tokens-use = Es wird mit jeder Anfrage im Header <code>Authorization</code> geschickt, hinter dem Wort <code>Bearer</code>.

activity-title = Letzte Aktivität
activity-account = Was mit dem Zugriff von <strong>{ $account }</strong> geschah, das Neueste zuerst.
activity-none = Noch wurde nichts aufgeschrieben.
activity-older = Älteres
activity-from = von <strong>{ $source }</strong>
activity-signed_in = Sie haben sich angemeldet.
activity-sign_in_failed = Jemand wollte sich als Sie anmelden, mit einem falschen Passwort.
activity-code_failed = Jemand hat versucht, sich als Sie anzumelden, mit einem falschen Code.
activity-secret_known = Jemand, der unter einem anderen Namen angemeldet war, gab Ihr richtiges Passwort oder Ihren richtigen Code ein und wurde nicht eingelassen. Wählen Sie ein anderes Passwort.
activity-signed_out = Ein Browser wurde von einem anderen aus abgemeldet.
activity-signed_out_here = Sie haben sich abgemeldet.
activity-signed_out_everywhere = Ein Browser wurde abgemeldet, mit allen anderen außer dem, in dem es verlangt wurde.
activity-password_changed = Das Passwort wurde geändert.
activity-password_link_sent = Jemand hat einen Link verlangt, um ein anderes Passwort zu wählen; er ging an Ihre E-Mail-Adresse.
activity-account_deleted = Das Konto wurde gelöscht.
activity-second_step_failed = Jemand versuchte, sich als Sie anzumelden, kam über den ersten Schritt hinaus und scheiterte am zweiten.
activity-second_factor_added = Ein zweiter Schritt bei der Anmeldung wurde eingerichtet.
activity-second_factor_removed = Der zweite Schritt bei der Anmeldung wurde entfernt.
activity-recovery_codes_made = Neue Wiederherstellungscodes wurden angelegt.
activity-all_revoked = Alle Zugriffe wurden beendet: jedes Programm und jedes persönliche Token.
activity-everything_ended = Alles wurde beendet: Jeder Browser wurde abgemeldet, und jedes Programm und persönliche Token verlor den Zugriff.
activity-account_added = Das Konto wurde angelegt.
activity-address_set = Nachrichten an Sie gehen an eine andere E-Mail-Adresse.
activity-address_removed = Nachrichten an Sie gehen an keine E-Mail-Adresse mehr.
activity-identity_linked = Ein Anmeldedienst wurde mit dem Konto verknüpft.
activity-identity_unlinked = Ein Anmeldedienst ist nicht mehr mit dem Konto verknüpft.
activity-account_disabled = Das Konto wurde gesperrt.
activity-account_enabled = Die Sperre des Kontos wurde aufgehoben.
activity-administrator_made = Das Konto wurde Verwalter dieses Servers.
activity-administrator_unmade = Das Konto ist nicht mehr Verwalter dieses Servers.
activity-password_link_made = Ein Link für ein anderes Passwort wurde erstellt.
activity-administration_entered = Sie haben die Verwaltung dieses Servers geöffnet.
activity-administration_link_made = Ein Link wurde erstellt, der Ihnen die Verwaltung dieses Servers öffnet.
activity-administration_left = Sie haben die Verwaltung dieses Servers verlassen.
activity-token_made = Ein persönliches Token wurde angelegt: <strong>{ $name }</strong>, für <strong>{ $resource }</strong>.
activity-token_revoked = Das persönliche Token <strong>{ $name }</strong> wurde widerrufen.
activity-token_called = Ein persönliches Token benutzte <strong>{ $name }</strong> von <strong>{ $resource }</strong>.
activity-token_refused = Ein persönliches Token wollte <strong>{ $name }</strong> von <strong>{ $resource }</strong> benutzen und wurde abgewiesen.
activity-granted = Sie haben <strong>{ $client }</strong> erlaubt, <strong>{ $resource }</strong> zu benutzen.
activity-denied = Sie haben <strong>{ $client }</strong> nicht erlaubt, <strong>{ $resource }</strong> zu verwenden.
activity-revoked = Der Zugriff von <strong>{ $client }</strong> auf <strong>{ $resource }</strong> wurde beendet.
activity-called = <strong>{ $client }</strong> benutzte <strong>{ $name }</strong> von <strong>{ $resource }</strong>.
activity-refused = <strong>{ $client }</strong> wollte <strong>{ $name }</strong> von <strong>{ $resource }</strong> benutzen und wurde abgewiesen.
activity-by-password = Mit dem Passwort.
activity-by-oidc = Bei einem Anmeldedienst.
activity-by-link = Mit einem Link.
activity-by-email_code = Mit einem Code per E-Mail.
activity-by-totp = Mit einer Authenticator-App.
activity-by-passkey = Mit einem Passkey.
activity-by-recovery_code = Mit einem Wiederherstellungscode.
activity-by-owner = Von Ihnen.
activity-by-client = Vom Programm selbst.
activity-by-operator = Vom Betreiber dieses Servers.
activity-by-replayed = Weil ein verbrauchter Zugangsschlüssel oder Code noch einmal kam: Vielleicht hatte jemand anders eine Kopie.

delete-title = Ihr Konto löschen
delete-warning = <strong>Das lässt sich nicht rückgängig machen.</strong> Das Konto <strong>{ $account }</strong> wird sofort gelöscht.
delete-apps = Jedes verbundene Programm und jedes persönliche Token verliert innerhalb von Sekunden den Zugriff.
delete-sessions = Sie werden überall abgemeldet.
delete-kept = Was getan wurde, bleibt im Prüfprotokoll dieses Servers, unter einer Kennung, die nichts über Sie sagt.
delete-name = Geben Sie zur Bestätigung Ihren Benutzernamen ein
delete-submit = Mein Konto löschen
delete-problem-name = <strong>Das ist nicht Ihr Benutzername.</strong> Es wurde nichts gelöscht.
delete-problem-last_administrator = <strong>Sie sind der letzte Administrator.</strong> Machen Sie zuerst jemand anders dazu. Es wurde nichts gelöscht.
delete-done = Ihr Konto ist gelöscht
delete-done-what = Nichts hat mehr in Ihrem Namen Zugriff. Sie können diese Seite schließen.

## Zustimmung

consent-title = Zugriff auf { $resource } erlauben?
consent-request = <strong>{ $client }</strong> möchte { $resource } verwenden
consent-unverified = Diesen Namen hat es sich selbst gegeben; niemand hat ihn geprüft.
consent-known = Bekannt
consent-verified-host = Geprüfte Website
consent-described = <strong>{ $host }</strong> beschreibt es.
consent-described-by = Beschrieben von
consent-destination = Zugriff geht an
consent-this-computer = ein Programm auf diesem Computer, Port { $port }
consent-program = ein Programm auf diesem Gerät
consent-device = das Gerät oder Programm, das diesen Code anzeigt
consent-account = Angemeldet als
consent-switch-account = Konto wechseln
consent-resource = Für
consent-scopes = Erlaubt wird
consent-all-new = Zugriff besteht schon. All dies ist neu.
consent-some-new = Einiges davon ist schon erlaubt. Neues ist gekennzeichnet.
consent-nothing-new = All dies ist schon erlaubt. Nichts ist neu.
consent-new = Neu
consent-had = schon erlaubt
consent-required = wird für alles andere gebraucht
consent-includes = Enthält:
consent-tools = Mit Werkzeugen, die der Server so beschreibt:
consent-destructive = kann löschen
consent-read-only = liest nur
consent-more-tools =
    { $count ->
        [one] und eines mehr
       *[other] und { $count } mehr
    }
consent-nothing-ticked = Nichts ist angekreuzt. Kreuzen Sie an, was erlaubt sein soll, oder lehnen Sie ab.
consent-lifetime = Wie lange
consent-days =
    { $count ->
        [one] höchstens einen Tag, wenn die Erlaubnis nicht vorher widerrufen wird
       *[other] höchstens { $count } Tage, wenn die Erlaubnis nicht vorher widerrufen wird
    }
consent-hours =
    { $count ->
        [one] höchstens eine Stunde, wenn die Erlaubnis nicht vorher widerrufen wird
       *[other] höchstens { $count } Stunden, wenn die Erlaubnis nicht vorher widerrufen wird
    }
consent-minutes =
    { $count ->
        [one] höchstens eine Minute, wenn die Erlaubnis nicht vorher widerrufen wird
       *[other] höchstens { $count } Minuten, wenn die Erlaubnis nicht vorher widerrufen wird
    }
consent-seconds =
    { $count ->
        [one] höchstens eine Sekunde, wenn die Erlaubnis nicht vorher widerrufen wird
       *[other] höchstens { $count } Sekunden, wenn die Erlaubnis nicht vorher widerrufen wird
    }
consent-asks-again = Danach muss es Sie wieder fragen.
consent-renewed-days =
    { $count ->
        [one] Bis dahin erneuert es den Zugriff selbst, etwa jeden Tag.
       *[other] Bis dahin erneuert es den Zugriff selbst, etwa alle { $count } Tage.
    }
consent-renewed-hours =
    { $count ->
        [one] Bis dahin erneuert es den Zugriff selbst, etwa jede Stunde.
       *[other] Bis dahin erneuert es den Zugriff selbst, etwa alle { $count } Stunden.
    }
consent-renewed-minutes =
    { $count ->
        [one] Bis dahin erneuert es den Zugriff selbst, etwa jede Minute.
       *[other] Bis dahin erneuert es den Zugriff selbst, etwa alle { $count } Minuten.
    }
consent-renewed-seconds =
    { $count ->
        [one] Bis dahin erneuert es den Zugriff selbst, etwa jede Sekunde.
       *[other] Bis dahin erneuert es den Zugriff selbst, etwa alle { $count } Sekunden.
    }
consent-remembered-days =
    { $count ->
        [one] Fragt es innerhalb von einem Tag nach demselben, erhält es das, ohne Sie zu fragen.
       *[other] Fragt es innerhalb von { $count } Tagen nach demselben, erhält es das, ohne Sie zu fragen.
    }
consent-remembered-hours =
    { $count ->
        [one] Fragt es innerhalb von einer Stunde nach demselben, erhält es das, ohne Sie zu fragen.
       *[other] Fragt es innerhalb von { $count } Stunden nach demselben, erhält es das, ohne Sie zu fragen.
    }
consent-loopback-warning = <strong>Machen Sie nur weiter, wenn Sie das gerade selbst gestartet haben.</strong> Der Zugriff geht an ein Programm auf diesem Computer, an Port { $port }. Jedes Programm kann sich jeden Namen geben.
consent-device-warning = <strong>Erlauben Sie das nur, wenn Sie es gerade selbst begonnen haben und Ihr eigenes Gerät genau diesen Code anzeigt.</strong> Wenn Ihnen jemand den Code oder einen Link geschickt hat, lehnen Sie ab: Dessen Gerät würde in Ihrem Namen handeln. Niemand braucht das, um Ihnen zu helfen.
consent-deny = Ablehnen
consent-allow = Erlauben

## Geräte

device-title = Gerät verbinden
device-text = Geben Sie den Code ein, den Ihr Gerät oder Programm anzeigt.
device-code-unknown = <strong>Kein Gerät wartet mit diesem Code.</strong> Vergleichen Sie ihn mit dem, was das Gerät anzeigt. Ein Code, der einige Minuten alt ist, gilt vielleicht nicht mehr: Lassen Sie das Gerät einen neuen anzeigen.
device-too-many-attempts = <strong>Zu viele falsche Codes.</strong> Warten Sie eine Minute und versuchen Sie es dann noch einmal.
device-code = Code
device-warning = <strong>Machen Sie nur weiter, wenn Sie das gerade selbst begonnen haben.</strong> Wenn Ihnen jemand diesen Code oder diesen Link geschickt hat, schließen Sie diese Seite: Der Code verbindet dessen Gerät mit Ihrem Konto.
device-submit = Weiter
device-allowed-title = Gerät verbunden
device-allowed-heading = Fertig: Kehren Sie zu Ihrem Gerät zurück
device-allowed = <strong>{ $client }</strong> darf jetzt <strong>{ $resource }</strong> verwenden. Es merkt das in wenigen Sekunden.
device-denied-title = Zugriff abgelehnt
device-denied = <strong>{ $client }</strong> hat erfahren, dass es <strong>{ $resource }</strong> nicht verwenden darf. Es hat nichts bekommen.
device-close = Sie können diese Seite schließen.

## Fehler: was geschehen ist und was Schritt für Schritt zu tun ist

error-what-to-do = Was Sie tun können
error-pass-on = Wenn Sie um Hilfe bitten, geben Sie Folgendes weiter:
error-reason = Grund
error-code = Fehler
error-request = Anfrage

error-client_unknown = Dieses Programm ist hier nicht registriert
    .text = Das Programm, das Sie hierher geschickt hat, benutzt eine Registrierung, die dieser Server nicht oder nicht mehr kennt. Es noch einmal zu versuchen hilft erst, wenn das Programm sich neu registriert.
    .step-1 = Bringen Sie das Programm dazu, zu vergessen, was es über diesen Server gespeichert hat, und verbinden Sie es dann neu. Bei den meisten Programmen reicht es nicht, den Server zu entfernen und wieder hinzuzufügen.
error-client_document_refused = Dieses Programm lässt sich nicht erkennen
    .text = Ein Dokument auf seiner Website beschreibt es, und in diesem Dokument fehlt etwas, oder es steht etwas darin, das nicht sicher ist. Es wurde nichts erlaubt.
    .step-1 = Wenn Sie einem Link aus einer Nachricht oder von einer Website gefolgt sind, schließen Sie diese Seite.
    .step-2 = Wenn Sie das selbst im Programm begonnen haben, aktualisieren Sie das Programm und verbinden Sie es noch einmal.
    .step-3 = Wenn das nicht hilft, melden Sie es dem Hersteller des Programms: Der Grund steht unten.
error-client_document_unreachable = Die Website des Programms antwortet nicht
    .text = Dieser Server muss dort lesen, was das Programm ist, bevor Sie ihm etwas erlauben können, und konnte es nicht. Nichts ist verloren, und Programme, die verbunden sind, bleiben es.
    .step-1 = Warten Sie eine halbe Minute und laden Sie diese Seite dann neu.
    .step-2 = Wenn es wieder geschieht, sagen Sie es dem Betreiber dieses Servers: Der Grund steht unten und in seinem Protokoll.
error-client_not_allowed = Dieses Programm ist hier nicht erlaubt
    .text = Der Betreiber dieses Servers lässt Programme dieser Website nicht zu.
    .step-1 = Wenn Sie dieses Programm brauchen, bitten Sie den Betreiber dieses Servers, es zu erlauben.
error-redirect_uri_refused = Diese Anfrage wurde gestoppt
    .text = Sie wollte die Antwort an eine Adresse schicken, die das Programm nie registriert hat. Dorthin wurde nichts geschickt.
    .step-1 = Wenn Sie einem Link aus einer Nachricht oder von einer Website gefolgt sind, schließen Sie diese Seite: Vielleicht wollte jemand an Ihren Zugriff kommen.
    .step-2 = Wenn Sie das selbst im Programm begonnen haben, aktualisieren Sie das Programm, entfernen Sie dort den Server und verbinden Sie ihn noch einmal.
error-request_invalid = Diese Anfrage ist nicht lesbar
    .text = Das Programm hat etwas geschickt, das dieser Server nicht versteht, also gibt es nichts zu erlauben.
    .step-1 = Kehren Sie zum Programm zurück und verbinden Sie es noch einmal.
    .step-2 = Wenn das nicht hilft, aktualisieren Sie das Programm.
error-request_ended = Diese Anfrage ist vorbei
    .text = Sie wurde schon beantwortet oder hat zu lange auf eine Antwort gewartet. Sie noch einmal zu öffnen ändert nichts.
    .step-1 = Wenn das Programm jetzt verbunden ist, schließen Sie diese Seite.
    .step-2 = Wenn nicht, kehren Sie zum Programm zurück und verbinden Sie es noch einmal.
error-browser_changed = Diese Anfrage wurde in einem anderen Browser geöffnet
    .text = Sie kann nur dort beantwortet werden, wo sie begonnen hat. Das geschieht auch, wenn Cookies für diese Website gesperrt sind, oder in einem privaten Fenster.
    .step-1 = Kehren Sie zum Programm zurück, verbinden Sie es noch einmal und bleiben Sie in dem Fenster, das sich öffnet.
    .step-2 = Wenn diese Seite wieder erscheint, erlauben Sie Cookies für diese Website.
error-interaction_required = Diese Anfrage will eine Antwort ohne Sie
    .text = Das Programm wollte eingelassen werden, ohne dass Sie gefragt werden. Dieser Server fragt jedes Mal, also wurde nichts erlaubt.
    .step-1 = Kehren Sie zum Programm zurück und verbinden Sie es noch einmal.
    .step-2 = Wenn das nicht hilft, aktualisieren Sie das Programm.
error-form_refused = Dieses Formular wurde nicht angenommen
    .text = Es kam nicht von einer Seite, die dieser Server Ihnen gezeigt hat, oder Sie haben sich inzwischen an- oder abgemeldet. Es wurde nichts geändert.
    .step-1 = Kehren Sie zum Programm zurück und verbinden Sie es noch einmal.
error-provider_unreachable = Der Anmeldedienst antwortet nicht
    .text = Dieser Server wollte dort erfahren, wer Sie sind, und hat ihn nicht erreicht. Nichts ist verloren, und wer angemeldet ist, bleibt es.
    .step-1 = Warten Sie einen Moment und melden Sie sich dann noch einmal an.
    .step-2 = Wenn es eine andere Art der Anmeldung gibt, nehmen Sie diese.
error-sign_in_cancelled = Sie haben sich nicht angemeldet
    .text = Die Anmeldung beim Anmeldedienst wurde abgebrochen. Es wurde nichts geändert.
    .step-1 = Melden Sie sich noch einmal an, dort oder auf andere Art.
    .step-2 = Wenn Sie sich gar nicht anmelden wollten, schließen Sie diese Seite.
error-sign_in_not_allowed = Dieses Konto ist hier nicht zugelassen
    .text = Der Anmeldedienst sagt, wer Sie sind, aber der Betreiber dieses Servers lässt dieses Konto nicht zu.
    .step-1 = Wenn Sie dort ein anderes Konto haben, melden Sie sich mit diesem an.
    .step-2 = Wenn Sie Zugang brauchen, bitten Sie den Betreiber dieses Servers darum.
error-sign_in_not_linked = Dieses Konto ist hier noch nicht bekannt
    .text = Der Anmeldedienst sagt, wer Sie sind. Der Betreiber dieses Servers muss dieses Konto zuerst mit einem Benutzer hier verknüpfen.
    .step-1 = Schicken Sie dem Betreiber dieses Servers, was unten steht, und melden Sie sich danach noch einmal an.
error-sign_in_failed = Die Anmeldung hat nicht funktioniert
    .text = Was der Anmeldedienst geantwortet hat, beweist nicht, wer Sie sind. Es wurde nichts geändert.
    .step-1 = Melden Sie sich noch einmal an.
    .step-2 = Wenn es wieder geschieht, sagen Sie es dem Betreiber dieses Servers: Der Grund steht in seinem Protokoll.
error-sign_in_ended = Diese Anmeldung ist vorbei
    .text = Sie wurde schon abgeschlossen oder hat zu lange gedauert. Sie noch einmal zu öffnen ändert nichts.
    .step-1 = Wenn Sie angemeldet sind, schließen Sie diese Seite.
    .step-2 = Wenn nicht, kehren Sie dorthin zurück, wo Sie begonnen haben, und melden Sie sich noch einmal an.
error-sign_in_elsewhere = Diese Anmeldung hat in einem anderen Browser begonnen
    .text = Sie kann nur dort abgeschlossen werden, wo sie begonnen hat. Es wurde nichts geändert.
    .step-1 = Wenn Sie einem Link aus einer Nachricht oder von einer Website gefolgt sind, schließen Sie diese Seite: Vielleicht will jemand, dass Sie sein Konto benutzen.
    .step-2 = Wenn Sie selbst begonnen haben, melden Sie sich noch einmal an, bleiben Sie im selben Fenster und erlauben Sie Cookies für diese Website.
error-sign_in_other_user = Das ist ein anderes Konto
    .text = Sie sollten bestätigen, dass Sie es sind, und haben sich beim Anbieter als jemand anders angemeldet. Es wurde nichts geändert.
    .step-1 = Melden Sie sich noch einmal an, mit dem Konto, mit dem Sie hier angemeldet sind.
    .step-2 = Wenn Sie das andere verwenden möchten, melden Sie sich hier zuerst ab.
error-passkey_refused = Dieser Passkey wurde nicht angenommen
    .text = Er ist hier nicht bekannt, er wurde entfernt, oder er hat nicht auf die Frage geantwortet. Es wurde nichts geändert.
    .step-1 = Gehen Sie zurück und melden Sie sich mit dem Passwort oder mit einem anderen Passkey an.
    .step-2 = Wenn es wieder geschieht, entfernen Sie den Passkey auf Ihrer Kontoseite und auf dem Gerät und fügen Sie einen neuen hinzu.
error-back-to-sign-in = Zurück zur Anmeldung
error-setup_link_ended = Dieser Link gilt nicht mehr
    .text = Mit ihm wird der erste Verwalter angelegt, einmal und innerhalb eines Tages. Er wurde benutzt, es gibt einen neueren, oder jemand hat hier schon ein Konto.
    .step-1 = Wenn Sie den Verwalter angelegt haben, melden Sie sich mit diesem Konto an.
    .step-2 = Wenn sich noch niemand anmelden kann, führen Sie auf dem Server aus: gatelodge user setup-link
error-password_link_ended = Dieser Link gilt nicht mehr
    .text = Mit ihm wird ein Passwort gewählt, einmal und innerhalb eines Tages. Er wurde benutzt, er ist zu alt, es gibt einen neueren, oder das Passwort wurde inzwischen geändert.
    .step-1 = Wenn Sie mit ihm ein Passwort gewählt haben, melden Sie sich damit an.
    .step-2 = Wenn nicht, bitten Sie den Betreiber dieses Servers um einen neuen Link.
error-too_many_requests = Einen Moment, bitte
    .text = Von diesem Server wird gerade zu viel verlangt, aus Ihrem Netz oder von allen zusammen. Nichts wurde geändert, und nichts ist verloren.
    .step-1 = Warten Sie eine Minute und laden Sie diese Seite dann neu.
    .step-2 = Wenn es wieder geschieht, sagen Sie es dem Betreiber dieses Servers.
error-temporarily_unavailable = Einen Moment, bitte
    .text = Dieser Server kann gerade nicht antworten. Nichts wurde geändert, und nichts ist verloren.
    .step-1 = Warten Sie einige Sekunden und laden Sie diese Seite dann neu.
    .step-2 = Wenn Sie gebeten werden, neu zu beginnen, kehren Sie zum Programm zurück und verbinden Sie es noch einmal.
error-server_error = Hier ist etwas schiefgegangen
    .text = Der Fehler liegt bei diesem Server, nicht bei Ihnen oder dem Programm.
    .step-1 = Kehren Sie zum Programm zurück und verbinden Sie es noch einmal.
    .step-2 = Wenn es wieder geschieht, sagen Sie es dem Betreiber dieses Servers.

## Wie jedes Programm vergisst, was es gespeichert hat

way-out-claude = Einstellungen, Connectors: Entfernen Sie den Connector und fügen Sie ihn wieder hinzu
way-out-claude_code = <kbd>/mcp</kbd>, wählen Sie den Server, <em>Clear authentication</em>; oder führen Sie <code>claude mcp login NAME</code> aus
way-out-chatgpt = Löschen Sie den Connector in den Einstellungen und legen Sie ihn neu an
way-out-vscode = Befehlspalette: <em>Authentication: Remove Dynamic Authentication Providers</em>
way-out-codex = Führen Sie <code>codex mcp logout NAME</code> aus, dann <code>codex mcp login NAME</code>
way-out-gemini_cli = Melden Sie sich mit <kbd>/mcp auth NAME</kbd> neu an: Es registriert sich jedes Mal neu
way-out-opencode = Führen Sie <code>opencode mcp logout NAME</code> aus, dann <code>opencode mcp auth NAME</code>
way-out-zed = Melden Sie sich beim Server neu an: Zed registriert sich jedes Mal neu
way-out-mcp_remote = Löschen Sie das Verzeichnis <code>.mcp-auth</code> in Ihrem Benutzerverzeichnis
way-out-other-clients = Andere Programme
way-out-other-client = Jedes andere
way-out-other = Suchen Sie neben dem Server nach <em>abmelden</em>, <em>trennen</em> oder <em>Anmeldung löschen</em>

## E-mail: plain text, whose lines may be long. What follows .subject is its subject.

mail-test =
    Dies ist ein Test von { $product } unter { $server }.

    Wenn Sie dies lesen, kommen Nachrichten an. Es ist nichts weiter zu tun.
    .subject = { $product }: Testnachricht

mail-password-link =
    Jemand hat für das Konto { $account } bei { $product } ein anderes Passwort verlangt. Wenn Sie das waren, wählen Sie es hier:

    { $link }

    Der Link gilt einmal, { $minutes } Minuten lang. Geben Sie ihn niemandem.

    Wenn Sie das nicht waren, tun Sie nichts: Ihr Passwort bleibt, wie es ist.
    .subject = { $product }: anderes Passwort wählen

mail-sign-in-code =
    Ihr Code, um sich als { $account } bei { $product } anzumelden:

    { $code }

    Er gilt { $minutes } Minuten lang, einmal, in dem Browser, in dem Sie ihn verlangt haben. Geben Sie ihn nirgends sonst ein, und sagen Sie ihn niemandem: Wer Sie danach fragt, will sich als Sie anmelden.

    Wenn Sie ihn nicht verlangt haben, tun Sie nichts.
    .subject = { $product }: Ihr Code zum Anmelden

mail-password-changed =
    Das Konto { $account } bei { $product } hat jetzt ein anderes Passwort. Alle Browser sind abgemeldet, und verbundene Programme haben keinen Zugriff mehr.

    Wenn Sie das waren, ist nichts weiter zu tun. Wenn nicht, wählen Sie sofort mit »Passwort vergessen?« auf der Anmeldeseite ein anderes, und sagen Sie es dem Betreiber von { $server }.
    .subject = { $product }: Ihr Passwort wurde geändert

mail-passkey-added =
    Zum Konto { $account } bei { $product } ist ein Passkey hinzugekommen. Wer ihn hat, kann sich damit anmelden.

    Wenn Sie das waren, ist nichts weiter zu tun. Wenn nicht, entfernen Sie ihn auf der Seite Ihres Kontos, wählen Sie sofort ein anderes Passwort, und sagen Sie es dem Betreiber von { $server }.
    .subject = { $product }: ein Passkey ist hinzugekommen

mail-passkey-removed =
    Ein Passkey des Kontos { $account } bei { $product } wurde entfernt. Mit ihm meldet sich niemand mehr an.

    Wenn Sie das waren, ist nichts weiter zu tun. Wenn nicht, wählen Sie sofort mit »Passwort vergessen?« auf der Anmeldeseite ein anderes Passwort, und sagen Sie es dem Betreiber von { $server }.
    .subject = { $product }: ein Passkey wurde entfernt

mail-authenticator-added =
    Für das Konto { $account } bei { $product } wurde eine Authenticator-App eingerichtet. Wer sich mit dem Passwort anmeldet, wird von jetzt an nach ihrem Code gefragt.

    Wenn Sie das waren, ist nichts weiter zu tun. Wenn nicht, sagen Sie es sofort dem Betreiber von { $server }: Ohne diese App können Sie sich vielleicht nicht mehr anmelden.
    .subject = { $product }: eine Authenticator-App wurde eingerichtet

mail-authenticator-removed =
    Die Authenticator-App des Kontos { $account } bei { $product } wurde entfernt. Nach ihrem Code wird nicht mehr gefragt.

    Wenn Sie das waren, ist nichts weiter zu tun. Wenn nicht, wählen Sie sofort mit »Passwort vergessen?« auf der Anmeldeseite ein anderes Passwort, und sagen Sie es dem Betreiber von { $server }.
    .subject = { $product }: die Authenticator-App wurde entfernt

mail-second-factor-reset =
    Der Betreiber von { $server } hat weggenommen, wonach der zweite Schritt der Anmeldung fragt: die Passkeys, die Authenticator-App und die Wiederherstellungscodes des Kontos { $account } bei { $product }. Zum Anmelden genügt jetzt das Passwort.

    Wenn Sie darum gebeten haben, richten Sie auf der Seite Ihres Kontos einen neuen zweiten Schritt ein. Wenn nicht, wählen Sie sofort mit »Passwort vergessen?« auf der Anmeldeseite ein anderes Passwort, und fragen Sie ihn, warum.
    .subject = { $product }: Ihr zweiter Schritt wurde zurückgesetzt
## Verwaltung

administration-title = Verwaltung
administration-overview = Übersicht
administration-users = Benutzer
administration-grants = Zugriffe
administration-search = Suchen
administration-next = Weiter
administration-name = Benutzername
administration-enter-what = Öffnet die Verwaltung dieses Servers für <strong>{ $account }</strong>, in diesem Browser. Der Link gilt einmal.
administration-enter-hours =
    { $count ->
        [one] Sie bleibt eine Stunde offen.
       *[other] Sie bleibt { $count } Stunden offen.
    }
administration-enter-submit = Verwaltung öffnen
administration-server = Server
administration-resources = MCP-Server
administration-who = Sie
administration-recorded = Was Sie hier ändern, steht mit Ihrem Namen im Protokoll.
administration-users-search = Name beginnt mit, oder E-Mail-Adresse
administration-users-none = So heißt niemand.
administration-disabled = Gesperrt
administration-enabled = Darf sich anmelden
administration-administrator = Verwalter
administration-state = Zustand
administration-address = E-Mail-Adresse
administration-signs-in = Anmeldung mit
administration-browsers = Browser
administration-signed-in = letzte Anmeldung { $time }
administration-id = Kennung
administration-personal-token = Persönliches Token
administration-machine = für sich selbst
administration-grants-user = Benutzer
administration-grants-client = Programm (client_id)
administration-grants-none = Nichts ist erlaubt.
administration-grants-all = Alle anzeigen
administration-any = Alles
administration-audit = Prüfprotokoll
administration-audit-kind = Was geschah
administration-audit-since = Ab (UTC)
administration-audit-until = Vor (UTC)
administration-audit-time = Wie 2026-11-28 oder 2026-11-28 10:00
administration-audit-request = Anfrage-ID
administration-audit-by = Geändert von
administration-audit-details = Alles, was davon aufbewahrt wird
administration-audit-none = Nichts gefunden.
administration-connections = Verbindungen
administration-connections-state = Wie sie steht
administration-connections-readers = Auch wer nur die Metadaten gelesen hat
administration-connections-none = Kein Verbindungsversuch gefunden.
administration-connection = Eine Verbindung
connection-state-connected = Verbunden
connection-state-waiting = Unterwegs
connection-state-stopped = Stehen geblieben
connection-state-unknown = Nicht bekannt
connection-steps = Schritt für Schritt
connection-cause = Wahrscheinliche Ursache
connection-advice = Was zu tun ist
connection-back = Zurück zu den Verbindungen
connection-step-challenged = Kurz zuvor wurde jemand ohne Token abgewiesen
connection-step-metadata_read = Metadaten gelesen
connection-step-registered = Registriert
connection-step-registration_refused = Registrierung abgelehnt
connection-step-device_asked = Ein Gerät hat Codes verlangt
connection-step-asked = Um Erlaubnis gefragt
connection-step-request_refused = Anfrage abgelehnt
connection-step-sent_to_provider = Zu einem Anbieter geschickt
connection-step-provider_failed = Der Anbieter hat niemanden angemeldet
connection-step-sign_in_failed = Anmeldung fehlgeschlagen
connection-step-second_step_asked = Nach dem zweiten Schritt gefragt
connection-step-second_step_failed = Zweiter Schritt fehlgeschlagen
connection-step-signed_in = Angemeldet
connection-step-consent_shown = Frage gezeigt
connection-step-allowed = Erlaubt
connection-step-denied = Abgelehnt
connection-step-token_refused = Token verweigert
connection-step-token_issued = Token ausgestellt
connection-step-first_call = Erster Aufruf
connection-step-call_refused = Aufruf abgelehnt
administration-link-once = <strong>Geben Sie diesen Link jetzt weiter.</strong> Er wird nur dieses eine Mal gezeigt. Wer ihn hat, wählt das Passwort, einmal, innerhalb von 24 Stunden; frühere Links gelten nicht mehr.
administration-do = Was Sie tun können
administration-do-revoke_all = Alle Zugriffe beenden
    .what = Jedes Programm und jedes persönliche Token verliert innerhalb von Sekunden den Zugriff.
administration-do-sign_out = Überall abmelden
    .what = Jeder Browser wird abgemeldet. Programme arbeiten weiter.
administration-do-password_link = Link für ein neues Passwort erstellen
    .what = Bis er verwendet wird, gilt das alte Passwort. Frühere Links gelten nicht mehr.
administration-do-reset_second_factor = Zweiten Schritt entfernen
    .what = Die App, die Passkeys und die Wiederherstellungscodes sind weg; das Passwort allein genügt. Vergewissern Sie sich, wer Sie darum gebeten hat.
administration-do-make_administrator = Zum Verwalter machen
    .what = Kann dann hier eingelassen werden, mit einem Link, den der Betreiber des Servers erstellt.
administration-do-unmake_administrator = Nicht mehr Verwalter
    .what = Wird hier von diesem Augenblick an nicht mehr eingelassen.
administration-do-disable = Sperren
    .what = Alle Sitzungen und Zugriffe enden, und keine Anmeldung gelingt, bis Sie die Sperre aufheben.
administration-do-enable = Sperre aufheben
    .what = Die Anmeldung gelingt wieder. Was geendet hat, bleibt beendet.
administration-do-remove = Entfernen
    .what = Das lässt sich nicht rückgängig machen. Alle Sitzungen und Zugriffe enden, und der Name wird für jemand anderen frei. Geben Sie zur Bestätigung den Benutzernamen ein.
administration-problem-name = <strong>Das ist nicht der Benutzername.</strong> Es wurde nichts geändert.
administration-problem-last_administrator = <strong>Niemand sonst verwaltet diesen Server.</strong> Es wurde nichts geändert. Machen Sie zuerst jemand anderen zum Verwalter.
administration-problem-disabled = <strong>Wer gesperrt ist, kann kein Passwort wählen.</strong> Es wurde nichts geändert. Heben Sie zuerst die Sperre auf.
administration-clients = Programme
administration-client = Programm
administration-keys = Schlüssel
administration-confirm = Ich weiß, was damit endet.
administration-unconfirmed = <strong>Es wurde nichts geändert.</strong> Setzen Sie zur Bestätigung das Häkchen.
administration-clients-search = client_id, oder wie der Name beginnt
administration-clients-kind = Wie es hierherkam
administration-clients-none = Ein solches Programm gibt es nicht.
administration-kind-all = Alle
administration-kind-configured = Von Ihnen eingerichtet
administration-kind-metadata_document = Von seiner Website beschrieben
administration-kind-dynamic = Hat sich selbst registriert
administration-in-configuration = Steht in der Konfiguration
administration-never-allowed = nie etwas erlaubt
administration-grants-count =
    { $count ->
        [0] kein Zugriff
        [one] ein Zugriff
       *[other] { $count } Zugriffe
    }
administration-grants-or-more = { $count } Zugriffe oder mehr
administration-client-page = Seine Seite, wie es sagt
administration-client-answers = Zugriff geht an
administration-client-grant-types = Grant-Typen
administration-client-proof = Weist sich aus mit
administration-client-limits = Darf verlangen
administration-client-unlimited = alles
administration-client-introspects = darf nach Token fragen
administration-client-configured = Es steht in der Konfiguration. Um es zu entfernen, löschen Sie dort seine Tabelle <code>[[client]]</code> und starten den Server neu.
administration-client-refused = <strong>Nicht mehr zugelassen.</strong> Die Konfiguration traut dem Host nicht, der es beschreibt.
administration-client-revoke_all = Alle seine Zugriffe beenden
    .what = Was irgendjemand diesem Programm erlaubt hat, endet innerhalb von Sekunden. Wer es wieder will, erlaubt es neu.
administration-client-remove = Entfernen
    .what = Das Programm ist von da an unbekannt, und was irgendjemand ihm erlaubt hat, endet innerhalb von Sekunden.
administration-client-comes-back = Es kann mit der nächsten Anmeldung wiederkommen, weil seine Website es beschreibt: <code>deny</code> in der Konfiguration hält es fern.
administration-keys-what = Womit Zugriffstoken unterschrieben werden. Die Schlüssel wechseln sich von selbst ab.
administration-keys-has-next = Der nächste Schlüssel ist veröffentlicht und unterschreibt, wenn seine Zeit gekommen ist.
administration-key-active = Unterschreibt
    .time = seit { $time }
administration-key-next = Nächster
    .time = unterschreibt ab { $time }
administration-key-retired = Abgelöst
    .time = veröffentlicht mindestens bis { $time }
administration-key-rotate = Jetzt neuen Schlüssel veröffentlichen
    .what = Er unterschreibt, sobald alle Zeit hatten, ihn zu holen; der vorige bleibt, bis sein letztes Token abgelaufen ist. Niemand merkt etwas davon.
administration-key-revoke = Sofort außer Gebrauch nehmen
    .what = Für einen Schlüssel, den jemand anderes haben könnte. Jedes damit unterschriebene Token wird innerhalb einer Minute abgelehnt; Programme holen sich neue, und damit unterschriebene persönliche Token müssen neu erstellt werden. Ist es der, der unterschreibt, tritt ein anderer an seine Stelle.
administration-obstacle-host_refused = Nicht unter dieser Adresse
    .text = Die Verwaltung antwortet nur unter einer Adresse: der in <code>administration.url</code> der Konfiguration.
administration-obstacle-not_let_in = Sie sind nicht eingelassen
    .text = Verwalter kommen mit einem Link herein, für einige Stunden. Wer den Server betreibt, erstellt ihn dort mit <code>gatelodge administration link</code>.
administration-obstacle-link_ended = Dieser Link gilt nicht mehr
    .text = Er gilt einmal, zehn Minuten lang, und ein neuerer beendet ihn. Wer den Server betreibt, erstellt einen anderen mit <code>gatelodge administration link</code>.
administration-obstacle-form_refused = Dieses Formular wurde abgelehnt
    .text = Es kam nicht von einer Seite, die Ihnen hier gezeigt wurde, oder Sie wurden seither neu eingelassen. Es wurde nichts geändert. Gehen Sie zurück, laden Sie die Seite neu und versuchen Sie es noch einmal.
administration-obstacle-request_invalid = Diese Anfrage ergibt keinen Sinn
    .text = Ihre Adresse oder ihr Formular wurde verändert oder ist nicht vollständig. Es wurde nichts geändert.
administration-obstacle-not_found = Nicht mehr hier
    .text = Es wurde entfernt oder war nie da. Es wurde nichts geändert.
administration-obstacle-unavailable = Gerade nicht verfügbar
    .text = Die Datenbank antwortet nicht. Nichts ist verloren; versuchen Sie es gleich noch einmal.
administration-obstacle-fault = Hier ist etwas schiefgegangen
    .text = Das ist ein Fehler dieses Servers. Mehr steht im Protokoll, unter der Anfrage, die unten genannt ist.
