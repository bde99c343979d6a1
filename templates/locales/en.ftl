### Every text of the pages, in English. Another language is another file here, named by its tag (fr.ftl, pt-BR.ftl), with the
### same messages, variables and elements. What a file lacks is shown in English.
### <strong>, <em>, <code> and <kbd> may stand in a text where English has them; nothing else is markup. What programs print and
### people type (in <code> and <kbd>) is not translated, and neither are NAME and what stands in braces.

## On every page

client-unnamed = A client without a name
title-error = Error: { $title }
unverified = Unverified
privacy-policy = Privacy policy
terms-of-service = Terms of service

## Sign-in

login-title = Sign in
login-request = <strong>{ $client }</strong> wants to use <strong>{ $resource }</strong>. You decide after signing in.
login-unverified = It chose this name itself.
# $place is the host, the code or the scheme that the access goes to.
login-website = Access goes to <strong>{ $place }</strong>.
login-this-computer = Access goes to <strong>{ $place }</strong>, a program on this computer.
login-program = Access goes to <strong>{ $place }</strong>, a program on this device.
login-device = Access goes to the device that shows <strong>{ $place }</strong>.
login-credentials-wrong = <strong>That did not match.</strong> Check the username and the password, then try again.
login-too-many-attempts = <strong>Too many attempts.</strong> Wait a minute, then try again.
login-username = Username
login-password = Password
login-submit = Sign in
login-forgot = Forgot your password?
login-email-code = E-mail me a code

# How long to wait after wrong passwords.
login-wait-seconds =
    { $count ->
        [one] <strong>Too many attempts.</strong> Wait one second, then try again.
       *[other] <strong>Too many attempts.</strong> Wait { $count } seconds, then try again.
    }
login-wait-minutes =
    { $count ->
        [one] <strong>Too many attempts.</strong> Wait one minute, then try again.
       *[other] <strong>Too many attempts.</strong> Wait { $count } minutes, then try again.
    }
login-provider = Continue with { $provider }
sign-in-why = To see which apps are connected to your account, and to change your password.
sign-in-again = Sign in again
sign-in-again-why = You signed in some time ago. Please confirm that it is you.
sign-in-other-account = <strong>That is another account</strong> than the one that is signed in here. Confirm with the same one, or sign out first.

## The second step

second-step-title = One more step
second-step-account = To sign in as <strong>{ $account }</strong>.
second-step-required = <strong>A password alone is not enough here.</strong> Set up an authenticator app now; the next sign-in asks for a code of it.
second-step-code_wrong = <strong>That did not match.</strong> A code works once, and for a minute at most: type the one that is shown now.
second-step-set_up_wrong = <strong>That code did not match.</strong> Type the one that the app shows now. If it goes on, let the device set its clock by itself.

authenticator-scan = Scan this with your authenticator app.
authenticator-picture = QR code of the key below
authenticator-type = Or type this key into the app:
authenticator-type-only = Type this key into your authenticator app:
authenticator-code = Code that the app shows
authenticator-submit = Set up the app

recovery-title = Recovery codes
recovery-once = <strong>Keep these codes now.</strong> They are shown this once. Each of them signs you in once, together with your password, when you have nothing else for the second step.
recovery-continue = Continue
recovery-use = Use a recovery code
recovery-code = Recovery code
recovery-hint = One of those that you kept when you set up the second step.

second-factor-title = Second step at sign-in
second-factor-account = With it nobody gets in as <strong>{ $account }</strong> who only knows the password.
second-factor-none = Not set up
second-factor-app = Authenticator app
second-factor-since = Set up { $time }
second-factor-remove = Remove
second-factor-remove-what = It is asked for no more. Without a passkey the password alone is enough then, and the recovery codes are worth nothing.
second-factor-remove-yes = Yes, remove
second-factor-codes-left =
    { $count ->
        [one] one recovery code left
       *[other] { $count } recovery codes left
    }
second-factor-new-codes = Make new ones
second-factor-new-codes-what = Those that you have stop working.
second-factor-new-codes-yes = Yes, make new ones
second-factor-another = Set up another app
second-factor-another-what = The one that you have, and its recovery codes, stop working when the new one is set up.
second-factor-problem-set_up_wrong = <strong>That code did not match.</strong> Nothing was changed. Type the one that the app shows now. If it goes on, let the device set its clock by itself.
second-factor-problem-sent_before = <strong>This app is set up already.</strong> If you did not keep the recovery codes, make new ones below.
second-factor-problem-required = <strong>A password alone is not enough here.</strong> Nothing was removed. You can set up another app below.

## Passkeys

passkey-title = Sign in with a passkey
passkey-use = Use a passkey
passkey-look = Your browser asks for it now.
passkey-failed = <strong>That did not work, or was cancelled.</strong> Press the button to try again.
passkey-script = <strong>Passkeys need JavaScript.</strong> It is switched off here: go back and use something else.
passkey-other = Use something else
passkeys-title = Passkeys
passkeys-account = A passkey on your device or your security key signs you in as <strong>{ $account }</strong> without the password. From the first one on, the password alone does not.
passkeys-count =
    { $count ->
        [0] none
        [one] one passkey
       *[other] { $count } passkeys
    }
passkeys-new = Add a passkey
passkeys-make = Make the passkey
passkeys-name-hint = Where it is, for instance the device or the key.
passkeys-rename = Rename
passkeys-new-name = New name
passkeys-rename-yes = Save the name
passkeys-remove-what = It signs nobody in any more. Without another one and without an app the password alone is enough then, and the recovery codes are worth nothing.
passkeys-codes-why = They are for when you have no passkey at hand.
passkeys-back = Back to your passkeys
passkeys-problem-name = <strong>The passkey needs a name</strong> of up to 80 characters.
passkeys-problem-new_name = <strong>The passkey keeps its name.</strong> A name has 1 to 80 characters.
passkeys-problem-too_many = <strong>You have too many passkeys.</strong> Remove one first.
passkeys-problem-refused = <strong>No passkey was added.</strong> It took too long, or what the browser answered did not fit. Try again.
passkeys-problem-required = <strong>A password alone is not enough here.</strong> Nothing was removed. Add another passkey or an app first.

## The account

account-title = Your account
account-sign-out = Sign out
account-email = Messages to you go to <strong>{ $address }</strong>.
account-no-email = No e-mail address of yours is known here, so you are sent nothing.
account-email-change = Only whoever runs this server can change that.
account-apps = Connected apps
account-no-app = No app is connected.
account-set-up = Set up by whoever runs this server
account-uses = Uses <strong>{ $resource }</strong>
account-allowed = Allowed { $time }
account-last-used = last used { $time }
account-not-used = not used yet
account-until = until { $time }
account-disconnect = Disconnect
account-remembered = You were not asked for it, because you had allowed the same before.
account-disconnect-what = It loses access within seconds, and has to ask you again.
account-disconnect-others =
    { $count ->
        [one] Another connection that came from the same answer of yours ends with it.
       *[other] { $count } other connections that came from the same answer of yours end with it.
    }
account-disconnect-yes = Yes, disconnect
account-disconnect-all = Disconnect all apps
account-disconnect-all-what = Every app loses access within seconds, and has to ask you again.
account-disconnect-all-yes = Yes, disconnect all
account-tokens = Personal tokens
account-token-for = For <strong>{ $resource }</strong>
account-made = Made { $time }
account-revoke = Revoke
account-revoke-what = Whatever uses it loses access within seconds.
account-revoke-yes = Yes, revoke
account-browsers = Where you are signed in
account-this-browser = This browser
account-another-browser = Another browser
account-since = Since { $time }
account-last-seen = last seen { $time }
account-sign-out-there = Sign out there
account-sign-out-elsewhere = Sign out everywhere else
account-end-everything = Sign out and disconnect everywhere
account-end-everything-what = Every browser is signed out, this one too, and every app and personal token loses access within seconds. How you sign in stays as it is.
account-end-everything-yes = Yes, end everything
account-data = Your data
account-export-what = A file with everything that this server keeps about you, without secrets.
account-export = Download it
account-times = All times are UTC.

password-title = Change password
password-account = For <strong>{ $account }</strong>.
password-warning = This signs you out everywhere else, and ends the access of <strong>every connected app and personal token</strong>. You can connect them again afterwards.
password-old = Old password
password-new = New password
password-new-again = New password, once more
password-wrong = <strong>The old password did not match.</strong> Nothing was changed.
password-length = <strong>The new password needs { $shortest } characters at least</strong>, and not more than a thousand.
password-differ = <strong>The two new passwords differ.</strong> Type the same one twice.
password-changed = Password changed
password-changed-what = You are signed out everywhere else. Apps and personal tokens of <strong>{ $account }</strong> have no access any more: connect again those that you want to keep.
password-back = Back to your account
password-busy = <strong>Too much is going on right now.</strong> Nothing was changed. Try again in a moment.

## Links that work once

setup-title = Create the administrator
setup-why = Nobody can sign in here yet. Choose the name and the password of the first account, which administers this server.
setup-username = Username or e-mail address
setup-name = <strong>This cannot be a username.</strong> Use up to 128 letters, digits and . _ @ + -
setup-submit = Create administrator
setup-done = The administrator is there
setup-done-what = Sign in as <strong>{ $account }</strong>, with the password that you just chose.
reset-title = Choose a password
reset-warning = This signs you out everywhere, and ends the access of <strong>every connected app and personal token</strong>. You can connect them again afterwards.
reset-submit = Save password
reset-done = Password saved
reset-done-what = Sign in as <strong>{ $account }</strong>, with the password that you just chose.

forgot-title = Forgot your password?
forgot-why = Type your username or your e-mail address. You get a link by e-mail, with which you choose another password.
forgot-submit = Send the link
forgot-busy = <strong>Too much is going on right now.</strong> Nothing was sent. Try again in a moment.
forgot-done = Look into your mail
forgot-done-what = If there is such an account with an e-mail address, a link is on its way. It works once, for <strong>{ $minutes } minutes</strong>.
forgot-done-nothing = If nothing comes, look among the junk. Whoever runs this server can set your password too.
forgot-back = Back to the sign-in

email-code-title = Sign in by e-mail
email-code-why = Type your username or your e-mail address. You get a code by e-mail, which you type here.
email-code-submit = Send the code
email-code-sent = If there is such an account with an e-mail address, a code is on its way. Type it here, in this browser, within <strong>{ $minutes } minutes</strong>.
email-code-code = Code
email-code-nothing = If nothing comes, look among the junk, or go back and ask again: only the newest code works.
email-code_wrong = <strong>That did not match.</strong> Type the eight digits of the newest message.
email-code_ended = <strong>This code is over.</strong> Ask for another one.

tokens-title = New personal token
tokens-account = For scripts, and for clients that cannot sign in. It acts as <strong>{ $account }</strong>.
tokens-warning = <strong>Treat it like a password.</strong> Whoever has it can do what it allows, until it ends or you revoke it.
tokens-name = Name
tokens-name-hint = What it is for, for instance the machine that uses it.
tokens-scopes = What it allows
tokens-lifetime = How long
tokens-days =
    { $count ->
        [one] one day
       *[other] { $count } days
    }
tokens-hours =
    { $count ->
        [one] one hour
       *[other] { $count } hours
    }
tokens-minutes =
    { $count ->
        [one] one minute
       *[other] { $count } minutes
    }
tokens-seconds =
    { $count ->
        [one] one second
       *[other] { $count } seconds
    }
tokens-submit = Make the token
tokens-problem-name = <strong>The token needs a name</strong> of up to 80 characters.
tokens-problem-resource = <strong>This server is not there any more.</strong> Choose again below.
tokens-problem-scope = <strong>Nothing was chosen</strong>, or something that is not there any more. Tick what the token allows.
tokens-problem-lifetime = <strong>It cannot live for so long.</strong> Choose again below.
tokens-problem-sent_before = <strong>That form was sent before</strong>, and made one token, which is not shown again. Revoke it on your account page if you did not keep it, and make another one here.
tokens-problem-too_many = <strong>You have too many tokens.</strong> Revoke some on your account page first.
tokens-made = Your new token
tokens-once = <strong>Copy it now.</strong> It is shown this once, and kept nowhere.
tokens-use = It is sent with each request in the header <code>Authorization</code>, behind the word <code>Bearer</code>.

activity-title = Recent activity
activity-account = What happened to the access of <strong>{ $account }</strong>, the newest first.
activity-none = Nothing was written down yet.
activity-older = Older
activity-from = from <strong>{ $source }</strong>
activity-signed_in = You signed in.
activity-sign_in_failed = Somebody tried to sign in as you, with a wrong password.
activity-code_failed = Somebody tried to sign in as you, with a wrong code.
activity-secret_known = Somebody who was signed in as somebody else typed your right password or code, and was not let in. Choose another password.
activity-signed_out = A browser was signed out from another one.
activity-signed_out_here = You signed out.
activity-signed_out_everywhere = A browser was signed out, with all others but the one in which it was asked for.
activity-password_changed = The password was changed.
activity-password_link_sent = Somebody asked for a link to choose another password; it was sent to your e-mail address.
activity-account_deleted = The account was deleted.
activity-second_step_failed = Somebody tried to sign in as you, got past the first step, and failed at the second.
activity-second_factor_added = A second step at sign-in was set up.
activity-second_factor_removed = The second step at sign-in was removed.
activity-recovery_codes_made = New recovery codes were made.
activity-all_revoked = All access was ended: every app and every personal token.
activity-everything_ended = Everything was ended: every browser was signed out, and every app and personal token lost its access.
activity-account_added = The account was made.
activity-address_set = Messages to you go to another e-mail address.
activity-address_removed = Messages to you go to no e-mail address any more.
activity-identity_linked = A sign-in provider was linked to the account.
activity-identity_unlinked = A sign-in provider is not linked to the account any more.
activity-account_disabled = The account was shut out.
activity-account_enabled = The account was let in again.
activity-administrator_made = The account became an administrator of this server.
activity-administrator_unmade = The account is no administrator of this server any more.
activity-password_link_made = A link to choose another password was made.
activity-administration_entered = You opened the administration of this server.
activity-administration_link_made = A link was made that opens the administration of this server for you.
activity-administration_left = You left the administration of this server.
activity-token_made = A personal token was made: <strong>{ $name }</strong>, for <strong>{ $resource }</strong>.
activity-token_revoked = The personal token <strong>{ $name }</strong> was revoked.
activity-token_called = A personal token used <strong>{ $name }</strong> of <strong>{ $resource }</strong>.
activity-token_refused = A personal token asked for <strong>{ $name }</strong> of <strong>{ $resource }</strong>, and was refused.
activity-granted = You allowed <strong>{ $client }</strong> to use <strong>{ $resource }</strong>.
activity-denied = You denied <strong>{ $client }</strong> the use of <strong>{ $resource }</strong>.
activity-revoked = The access of <strong>{ $client }</strong> to <strong>{ $resource }</strong> was ended.
activity-called = <strong>{ $client }</strong> used <strong>{ $name }</strong> of <strong>{ $resource }</strong>.
activity-refused = <strong>{ $client }</strong> asked for <strong>{ $name }</strong> of <strong>{ $resource }</strong>, and was refused.
activity-by-password = With the password.
activity-by-oidc = At a sign-in provider.
activity-by-link = By a link.
activity-by-email_code = With a code by e-mail.
activity-by-totp = With an authenticator app.
activity-by-passkey = With a passkey.
activity-by-recovery_code = With a recovery code.
activity-by-owner = By you.
activity-by-client = By the app itself.
activity-by-operator = By whoever runs this server.
activity-by-replayed = Because a token or code that was used up came again: somebody else may have had a copy.

delete-title = Delete your account
delete-warning = <strong>This cannot be undone.</strong> The account <strong>{ $account }</strong> is deleted at once.
delete-apps = Every connected app and every personal token loses access within seconds.
delete-sessions = You are signed out everywhere.
delete-kept = What was done stays in this server’s audit trail, under an identifier that says nothing about you.
delete-name = Type your username to confirm
delete-submit = Delete my account
delete-problem-name = <strong>That is not your username.</strong> Nothing was deleted.
delete-problem-last_administrator = <strong>You are the last administrator.</strong> Make somebody else one first. Nothing was deleted.
delete-done = Your account is deleted
delete-done-what = Nothing has access in your name any more. You can close this page.

## Consent

consent-title = Allow access to { $resource }?
consent-request = <strong>{ $client }</strong> wants to use { $resource }
consent-unverified = It chose this name itself; nobody has checked it.
consent-known = Known
consent-verified-host = Verified host
consent-described = <strong>{ $host }</strong> describes it.
consent-described-by = Described by
consent-destination = Access goes to
consent-this-computer = a program on this computer, port { $port }
consent-program = a program on this device
consent-device = the device or program that shows this code
consent-account = Signed in as
consent-switch-account = Switch account
consent-resource = To use
consent-scopes = It can
consent-all-new = It has access already. All of this is new.
consent-some-new = It has some of this already. What is new is marked.
consent-nothing-new = It has all of this already. Nothing is new.
consent-new = New
consent-had = allowed before
consent-required = needed for everything else
consent-includes = Includes:
consent-tools = With tools that the server describes so:
consent-destructive = can destroy
consent-read-only = reads only
consent-more-tools =
    { $count ->
        [one] and one more
       *[other] and { $count } more
    }
consent-nothing-ticked = Nothing is ticked. Tick what it may do, or deny.
consent-lifetime = How long
consent-days =
    { $count ->
        [one] up to one day, unless it is revoked sooner
       *[other] up to { $count } days, unless it is revoked sooner
    }
consent-hours =
    { $count ->
        [one] up to one hour, unless it is revoked sooner
       *[other] up to { $count } hours, unless it is revoked sooner
    }
consent-minutes =
    { $count ->
        [one] up to one minute, unless it is revoked sooner
       *[other] up to { $count } minutes, unless it is revoked sooner
    }
consent-seconds =
    { $count ->
        [one] up to one second, unless it is revoked sooner
       *[other] up to { $count } seconds, unless it is revoked sooner
    }
consent-asks-again = After that it has to ask you again.
consent-renewed-days =
    { $count ->
        [one] Until then it gets new access by itself, about every day.
       *[other] Until then it gets new access by itself, about every { $count } days.
    }
consent-renewed-hours =
    { $count ->
        [one] Until then it gets new access by itself, about every hour.
       *[other] Until then it gets new access by itself, about every { $count } hours.
    }
consent-renewed-minutes =
    { $count ->
        [one] Until then it gets new access by itself, about every minute.
       *[other] Until then it gets new access by itself, about every { $count } minutes.
    }
consent-renewed-seconds =
    { $count ->
        [one] Until then it gets new access by itself, about every second.
       *[other] Until then it gets new access by itself, about every { $count } seconds.
    }
consent-remembered-days =
    { $count ->
        [one] If it asks for the same within a day, it gets it without asking you.
       *[other] If it asks for the same within { $count } days, it gets it without asking you.
    }
consent-remembered-hours =
    { $count ->
        [one] If it asks for the same within an hour, it gets it without asking you.
       *[other] If it asks for the same within { $count } hours, it gets it without asking you.
    }
consent-loopback-warning = <strong>Only continue if you just started this.</strong> The access goes to a program on this computer, at port { $port }. Any program can use any name.
consent-device-warning = <strong>Only allow this if you started it yourself, just now, and your own device shows exactly this code.</strong> If somebody sent you the code or a link, deny: their device would act as you. Nobody needs this to help you.
consent-deny = Deny
consent-allow = Allow

## Devices

device-title = Connect a device
device-text = Type the code that your device or program shows.
device-code-unknown = <strong>No device is waiting with this code.</strong> Compare it with what the device shows. A code that is some minutes old may be over: let the device show a new one.
device-too-many-attempts = <strong>Too many wrong codes.</strong> Wait a minute, then try again.
device-code = Code
device-warning = <strong>Only go on if you started this yourself, just now.</strong> If somebody sent you this code or this link, close this page: the code connects their device to your account.
device-submit = Continue
device-allowed-title = Device connected
device-allowed-heading = Done: go back to your device
device-allowed = <strong>{ $client }</strong> may now use <strong>{ $resource }</strong>. It notices within a few seconds.
device-denied-title = Access denied
device-denied = <strong>{ $client }</strong> was told that it may not use <strong>{ $resource }</strong>. Nothing was given to it.
device-close = You can close this page.

## Errors: what happened, and step by step what to do

error-what-to-do = What to do
error-pass-on = If you ask for help, pass this on:
error-reason = Reason
error-code = Error
error-request = Request

error-client_unknown = This client is not registered here
    .text = The client that sent you here uses a registration that this server does not know, or knows no longer. Trying again does not help until the client registers anew.
    .step-1 = Make the client forget what it saved about this server, then connect again. In most clients it is not enough to remove and add the server.
error-client_document_refused = This client cannot be identified
    .text = It is described by a document on its website, and that document is missing something or says something that is not safe. Nothing was allowed.
    .step-1 = If you followed a link from a message or a web page, close this page.
    .step-2 = If you started this in the client yourself, update the client and connect again.
    .step-3 = If that does not help, tell whoever makes the client: the reason is below.
error-client_document_unreachable = The website of the client does not answer
    .text = This server has to read there what the client is before you can allow it anything, and could not. Nothing is lost, and clients that are connected stay connected.
    .step-1 = Wait half a minute, then load this page again.
    .step-2 = If it happens again, tell whoever runs this server: the reason is below and in its log.
error-client_not_allowed = This client is not allowed here
    .text = Whoever runs this server does not let clients of this website connect.
    .step-1 = If you need this client, ask whoever runs this server to allow it.
error-redirect_uri_refused = This request was stopped
    .text = It wanted to send the answer to an address that its client never registered. Nothing was sent there.
    .step-1 = If you followed a link from a message or a web page, close this page: somebody may have tried to get at your access.
    .step-2 = If you started this in the client yourself, update the client, remove the server there and connect again.
error-request_invalid = This request cannot be read
    .text = The client sent something that this server does not understand, so there is nothing to allow.
    .step-1 = Go back to the client and connect again.
    .step-2 = If that does not help, update the client.
error-request_ended = This request is over
    .text = It was answered before, or it waited too long for an answer. Opening it again changes nothing.
    .step-1 = If the client is connected now, close this page.
    .step-2 = If it is not, go back to the client and connect again.
error-browser_changed = This request was opened in another browser
    .text = It can only be answered where it began. This also happens when cookies are blocked for this site, or in a private window.
    .step-1 = Go back to the client, connect again, and stay in the window that opens.
    .step-2 = If this page comes again, allow cookies for this site.
error-interaction_required = This request wants an answer without you
    .text = The client asked to be let in without a question to you. This server asks every time, so nothing was given.
    .step-1 = Go back to the client and connect again.
    .step-2 = If that does not help, update the client.
error-form_refused = This form was not accepted
    .text = It did not come from a page that this server showed you, or you signed in or out meanwhile. Nothing was changed.
    .step-1 = Go back to the client and connect again.
error-provider_unreachable = The sign-in provider does not answer
    .text = This server asked it who you are, and could not reach it. Nothing is lost, and whoever is signed in stays signed in.
    .step-1 = Wait a moment, then sign in again.
    .step-2 = If there is another way to sign in, use that one.
error-sign_in_cancelled = You did not sign in
    .text = The sign-in at the provider was cancelled. Nothing was changed.
    .step-1 = Sign in again, there or in another way.
    .step-2 = If you did not mean to sign in, close this page.
error-sign_in_not_allowed = This account is not allowed here
    .text = The provider says who you are, and whoever runs this server does not let this account in.
    .step-1 = If you have another account there, sign in with that one.
    .step-2 = If you need access, ask whoever runs this server.
error-sign_in_not_linked = This account is not known here yet
    .text = The provider says who you are. Whoever runs this server has to link that account to a user here first.
    .step-1 = Send what stands below to whoever runs this server, and sign in again afterwards.
error-sign_in_failed = The sign-in did not work
    .text = What the sign-in provider answered does not prove who you are. Nothing was changed.
    .step-1 = Sign in again.
    .step-2 = If it happens again, tell whoever runs this server: the reason is in its log.
error-sign_in_ended = This sign-in is over
    .text = It was finished before, or it took too long. Opening it again changes nothing.
    .step-1 = If you are signed in, close this page.
    .step-2 = If you are not, go back to where you began and sign in again.
error-sign_in_elsewhere = This sign-in began in another browser
    .text = It can only be finished where it began. Nothing was changed.
    .step-1 = If you followed a link from a message or a web page, close this page: somebody may want you to use an account of theirs.
    .step-2 = If you began it yourself, sign in again, stay in the same window, and allow cookies for this site.
error-sign_in_other_user = That is another account
    .text = You were asked to confirm that it is you, and signed in at the provider as somebody else. Nothing was changed.
    .step-1 = Sign in again, with the account that you are signed in with here.
    .step-2 = If you want to use the other one, sign out here first.
error-passkey_refused = This passkey was not accepted
    .text = It is not known here, it was removed, or it did not answer what it was asked. Nothing was changed.
    .step-1 = Go back and sign in with your password, or with another passkey.
    .step-2 = If it happens again, remove the passkey on your account page and on the device, and add a new one.
error-back-to-sign-in = Back to the sign-in
error-setup_link_ended = This link works no more
    .text = It creates the first administrator, once and within a day. It was used, a newer one was made, or somebody has an account here already.
    .step-1 = If you created the administrator, sign in with that account.
    .step-2 = If nobody can sign in yet, run on the server: gatelodge user setup-link
error-password_link_ended = This link works no more
    .text = It sets a password, once and within a day. It was used, it is too old, a newer one was made, or the password was changed meanwhile.
    .step-1 = If you chose a password with it, sign in with that one.
    .step-2 = If not, ask whoever runs this server for a new link.
error-too_many_requests = Just a moment, please
    .text = Too much is being asked of this server, by your network or by everybody together. Nothing was changed, and nothing is lost.
    .step-1 = Wait a minute, then load this page again.
    .step-2 = If it happens again, tell whoever runs this server.
error-temporarily_unavailable = Just a moment, please
    .text = This server cannot answer right now. Nothing was changed, and nothing is lost.
    .step-1 = Wait a few seconds, then load this page again.
    .step-2 = If it asks you to start over, go back to the client and connect again.
error-server_error = Something went wrong here
    .text = The fault is on this server, not with you or the client.
    .step-1 = Go back to the client and connect again.
    .step-2 = If it happens again, tell whoever runs this server.

## How each client is made to forget what it saved

way-out-claude = Settings, Connectors: remove the connector, then add it again
way-out-claude_code = <kbd>/mcp</kbd>, choose the server, <em>Clear authentication</em>; or run <code>claude mcp login NAME</code>
way-out-chatgpt = delete the connector in its settings, then create it again
way-out-vscode = Command Palette: <em>Authentication: Remove Dynamic Authentication Providers</em>
way-out-codex = run <code>codex mcp logout NAME</code>, then <code>codex mcp login NAME</code>
way-out-gemini_cli = sign in again with <kbd>/mcp auth NAME</kbd>: it registers anew each time
way-out-opencode = run <code>opencode mcp logout NAME</code>, then <code>opencode mcp auth NAME</code>
way-out-zed = sign in to the server again: it registers anew each time
way-out-mcp_remote = delete the directory <code>.mcp-auth</code> in your home directory
way-out-other-clients = Other clients
way-out-other-client = Any other
way-out-other = look for <em>log out</em>, <em>disconnect</em> or <em>clear authentication</em> beside the server

## E-mail: plain text, whose lines may be long. What follows .subject is its subject.

mail-test =
    This is a test of { $product } at { $server }.

    If you can read it, messages arrive. Nothing needs to be done.
    .subject = { $product }: test message

mail-password-link =
    Somebody asked for another password for the account { $account } at { $product }. If it was you, choose it here:

    { $link }

    The link works once, for { $minutes } minutes. Give it to nobody.

    If it was not you, do nothing: your password stays as it is.
    .subject = { $product }: choose another password

mail-sign-in-code =
    Your code to sign in as { $account } at { $product }:

    { $code }

    It works for { $minutes } minutes, once, in the browser in which you asked for it. Type it nowhere else, and tell it nobody: whoever asks you for it wants to sign in as you.

    If you did not ask for it, do nothing.
    .subject = { $product }: your code to sign in

mail-password-changed =
    The account { $account } at { $product } has another password now. Every browser is signed out, and connected apps have no access any more.

    If it was you, nothing needs to be done. If it was not you, choose another password at once with "Forgot your password?" on the sign-in page, and tell whoever runs { $server }.
    .subject = { $product }: your password was changed

mail-passkey-added =
    A passkey was added to the account { $account } at { $product }. Whoever has it can sign in with it.

    If it was you, nothing needs to be done. If it was not you, remove it on the page of your account, choose another password at once, and tell whoever runs { $server }.
    .subject = { $product }: a passkey was added

mail-passkey-removed =
    A passkey was removed from the account { $account } at { $product }. Nobody signs in with it any more.

    If it was you, nothing needs to be done. If it was not you, choose another password at once with "Forgot your password?" on the sign-in page, and tell whoever runs { $server }.
    .subject = { $product }: a passkey was removed

mail-authenticator-added =
    An authenticator app was set up for the account { $account } at { $product }. Whoever signs in with the password is asked for its code from now on.

    If it was you, nothing needs to be done. If it was not you, tell whoever runs { $server } at once: without that app you may not be able to sign in.
    .subject = { $product }: an authenticator app was set up

mail-authenticator-removed =
    The authenticator app of the account { $account } at { $product } was removed. Nobody is asked for its code any more.

    If it was you, nothing needs to be done. If it was not you, choose another password at once with "Forgot your password?" on the sign-in page, and tell whoever runs { $server }.
    .subject = { $product }: the authenticator app was removed

mail-second-factor-reset =
    Whoever runs { $server } has taken away what the second step of the sign-in asks for: the passkeys, the authenticator app and the recovery codes of the account { $account } at { $product }. The password alone signs in now.

    If you asked for that, set up a second step anew on the page of your account. If you did not, choose another password at once with "Forgot your password?" on the sign-in page, and ask them why.
    .subject = { $product }: your second step was reset
## Administration

administration-title = Administration
administration-overview = Overview
administration-users = Users
administration-grants = Grants
administration-search = Search
administration-next = Next
administration-name = Username
administration-enter-what = Opens the administration of this server for <strong>{ $account }</strong>, in this browser. The link works once.
administration-enter-hours =
    { $count ->
        [one] It stays open for one hour.
       *[other] It stays open for { $count } hours.
    }
administration-enter-submit = Open the administration
administration-server = Server
administration-resources = MCP servers
administration-who = You
administration-recorded = Whatever you change here is written into the audit trail, and names you.
administration-users-search = Name begins with, or e-mail address
administration-users-none = Nobody is called so.
administration-disabled = Shut out
administration-enabled = May sign in
administration-administrator = Administrator
administration-state = State
administration-address = E-mail address
administration-signs-in = Signs in with
administration-browsers = Browsers
administration-signed-in = last sign-in { $time }
administration-id = Identifier
administration-personal-token = Personal token
administration-machine = for itself
administration-grants-user = User
administration-grants-client = Client (client_id)
administration-grants-none = Nothing is allowed.
administration-grants-all = All of them
administration-any = Any
administration-audit = Audit trail
administration-audit-kind = What happened
administration-audit-since = From (UTC)
administration-audit-until = Before (UTC)
administration-audit-time = As 2026-11-28 or 2026-11-28 10:00
administration-audit-request = Request ID
administration-audit-by = Changed by
administration-audit-details = All that is kept of it
administration-audit-none = Nothing was found.
administration-connections = Connections
administration-connections-state = How it stands
administration-connections-readers = Also those who only read the metadata
administration-connections-none = No attempt to connect was found.
administration-connection = One connection
connection-state-connected = Connected
connection-state-waiting = On its way
connection-state-stopped = Stopped
connection-state-unknown = Not known
connection-steps = Step by step
connection-cause = Likely cause
connection-advice = What to do
connection-back = Back to the connections
connection-step-challenged = Somebody without a token was challenged, shortly before
connection-step-metadata_read = Metadata read
connection-step-registered = Registered
connection-step-registration_refused = Registration refused
connection-step-device_asked = A device asked for codes
connection-step-asked = Authorization asked for
connection-step-request_refused = Request refused
connection-step-sent_to_provider = Sent to a provider
connection-step-provider_failed = The provider signed nobody in
connection-step-sign_in_failed = Sign-in failed
connection-step-second_step_asked = Second step asked for
connection-step-second_step_failed = Second step failed
connection-step-signed_in = Signed in
connection-step-consent_shown = Consent shown
connection-step-allowed = Allowed
connection-step-denied = Denied
connection-step-token_refused = Token refused
connection-step-token_issued = Token issued
connection-step-first_call = First call
connection-step-call_refused = Call refused
administration-link-once = <strong>Hand this link on now.</strong> It is shown this once. Whoever has it chooses the password, once, within 24 hours; links from before are dead.
administration-do = What you can do
administration-do-revoke_all = End all access
    .what = Every app and every personal token loses access within seconds.
administration-do-sign_out = Sign out everywhere
    .what = Every browser is signed out. Apps go on working.
administration-do-password_link = Make a link for a new password
    .what = Until it is used the old password works. Links from before are dead.
administration-do-reset_second_factor = Remove the second step
    .what = The app, the passkeys and the recovery codes are gone; the password alone signs in. Be sure who asked you.
administration-do-make_administrator = Make an administrator
    .what = Can be let in here then, by a link that whoever runs the server makes.
administration-do-unmake_administrator = No administrator any more
    .what = Is let in here no more, from this moment on.
administration-do-disable = Shut out
    .what = All sessions and all access end, and no sign-in succeeds, until you let them in again.
administration-do-enable = Let in again
    .what = Signing in works again. What ended stays ended.
administration-do-remove = Remove
    .what = This cannot be undone. All sessions and all access end, and the name is free for somebody else. Type the username to confirm.
administration-problem-name = <strong>That is not the username.</strong> Nothing was changed.
administration-problem-last_administrator = <strong>Nobody else administers this server.</strong> Nothing was changed. Make somebody else an administrator first.
administration-problem-disabled = <strong>Whoever is shut out cannot choose a password.</strong> Nothing was changed. Let them in again first.
administration-clients = Clients
administration-client = Client
administration-keys = Keys
administration-confirm = I know what that ends.
administration-unconfirmed = <strong>Nothing was changed.</strong> Tick the box to confirm.
administration-clients-search = client_id, or how the name begins
administration-clients-kind = How it came here
administration-clients-none = There is no such client.
administration-kind-all = All
administration-kind-configured = Set up by you
administration-kind-metadata_document = Described by its website
administration-kind-dynamic = Registered itself
administration-in-configuration = Stands in the configuration
administration-never-allowed = never allowed anything
administration-grants-count =
    { $count ->
        [0] no grants
        [one] one grant
       *[other] { $count } grants
    }
administration-grants-or-more = { $count } grants or more
administration-client-page = Its page, as it says
administration-client-answers = Access goes to
administration-client-grant-types = Grant types
administration-client-proof = Proves itself with
administration-client-limits = May ask for
administration-client-unlimited = everything
administration-client-introspects = may ask about tokens
administration-client-configured = It stands in the configuration. To take it out, remove its <code>[[client]]</code> there and start the server anew.
administration-client-refused = <strong>Not let in any more.</strong> The configuration does not trust the host that describes it.
administration-client-revoke_all = End all its access
    .what = Whatever anybody allowed this client ends within seconds. Whoever wants it back allows it anew.
administration-client-remove = Take it out
    .what = The client is unknown from then on, and whatever anybody allowed it ends within seconds.
administration-client-comes-back = It may come back with the next sign-in, since its website describes it: <code>deny</code> in the configuration keeps it out.
administration-keys-what = What access tokens are signed with. Keys take their turns by themselves.
administration-keys-has-next = The next key is published and signs when its time has come.
administration-key-active = Signs
    .time = since { $time }
administration-key-next = Next
    .time = signs from { $time }
administration-key-retired = Retired
    .time = published until { $time } at least
administration-key-rotate = Publish a new key now
    .what = It signs once everybody has had time to fetch it; the one before stays until its last token has expired. Nobody notices.
administration-key-revoke = Take out of use at once
    .what = For a key that somebody else may have. Every token signed with it is refused within a minute; clients fetch new ones, and personal tokens signed with it have to be made again. If it is the one that signs, another takes its place.
administration-obstacle-host_refused = Not this address
    .text = The administration answers under one address only: the one in <code>administration.url</code> of the configuration.
administration-obstacle-not_let_in = You are not let in
    .text = Administrators come in by a link, for some hours. Whoever runs the server makes one there with <code>gatelodge administration link</code>.
administration-obstacle-link_ended = This link works no more
    .text = It works once, for ten minutes, and a newer one ends it. Whoever runs the server makes another one with <code>gatelodge administration link</code>.
administration-obstacle-form_refused = This form was refused
    .text = It did not come from a page that was shown to you here, or you were let in anew since. Nothing was changed. Go back, reload the page and try again.
administration-obstacle-request_invalid = This request makes no sense
    .text = Its address or its form was changed, or is not complete. Nothing was changed.
administration-obstacle-not_found = Not here any more
    .text = It was removed, or never was. Nothing was changed.
administration-obstacle-unavailable = Not available right now
    .text = The database does not answer. Nothing is lost; try again in a moment.
administration-obstacle-fault = Something went wrong here
    .text = That is a fault of this server. The log says more, under the request that is named below.
