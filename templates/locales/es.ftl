### Español, de «usted». Los mismos mensajes, variables y elementos que en en.ftl.

## En todas las páginas

client-unnamed = Un programa sin nombre
title-error = Error: { $title }
unverified = Sin verificar
privacy-policy = Política de privacidad
terms-of-service = Condiciones de uso

## Inicio de sesión

login-title = Iniciar sesión
login-request = <strong>{ $client }</strong> quiere usar <strong>{ $resource }</strong>. Usted decide después de iniciar sesión.
login-unverified = El propio programa eligió este nombre.
login-website = El acceso se entrega a <strong>{ $place }</strong>.
login-this-computer = El acceso se entrega a <strong>{ $place }</strong>, un programa de este ordenador.
login-program = El acceso se entrega a <strong>{ $place }</strong>, un programa de este dispositivo.
login-device = El acceso se entrega al dispositivo que muestra <strong>{ $place }</strong>.
login-credentials-wrong = <strong>Los datos no coinciden.</strong> Compruebe el nombre de usuario y la contraseña e inténtelo de nuevo.
login-too-many-attempts = <strong>Demasiados intentos.</strong> Espere un minuto e inténtelo de nuevo.
login-username = Nombre de usuario
login-password = Contraseña
login-submit = Iniciar sesión
login-forgot = ¿Olvidó su contraseña?
login-email-code = Enviarme un código por correo

login-wait-seconds =
    { $count ->
        [one] <strong>Demasiados intentos.</strong> Espere un segundo e inténtelo de nuevo.
       *[other] <strong>Demasiados intentos.</strong> Espere { $count } segundos e inténtelo de nuevo.
    }
login-wait-minutes =
    { $count ->
        [one] <strong>Demasiados intentos.</strong> Espere un minuto e inténtelo de nuevo.
       *[other] <strong>Demasiados intentos.</strong> Espere { $count } minutos e inténtelo de nuevo.
    }
login-provider = Continuar con { $provider }
sign-in-why = Para ver qué programas están conectados a su cuenta y cambiar su contraseña.
sign-in-again = Iniciar sesión de nuevo
sign-in-again-why = Inició sesión hace algún tiempo. Confirme que es usted.
sign-in-other-account = <strong>Esa es otra cuenta</strong> que la que tiene la sesión abierta aquí. Confirme con la misma, o cierre antes la sesión.

## El segundo paso

second-step-title = Un paso más
second-step-account = Para iniciar sesión como <strong>{ $account }</strong>.
second-step-required = <strong>Aquí no basta con una contraseña.</strong> Configure ahora una aplicación de autenticación; el próximo inicio de sesión pedirá un código suyo.
second-step-code_wrong = <strong>No coincide.</strong> Un código vale una sola vez y como mucho un minuto: escriba el que se muestra ahora.
second-step-set_up_wrong = <strong>Ese código no coincide.</strong> Escriba el que la aplicación muestra ahora. Si sigue sin coincidir, deje que el dispositivo ponga su reloj en hora.

authenticator-scan = Escanee esto con su aplicación de autenticación.
authenticator-picture = Código QR de la clave que aparece debajo
authenticator-type = O escriba esta clave en la aplicación:
authenticator-type-only = Escriba esta clave en su aplicación de autenticación:
authenticator-code = Código que muestra la aplicación
authenticator-submit = Configurar la aplicación

recovery-title = Códigos de recuperación
recovery-once = <strong>Guarde estos códigos ahora.</strong> Se muestran solo esta vez. Con cada uno puede iniciar sesión una vez, junto con la contraseña, cuando no tenga otra cosa para el segundo paso.
recovery-continue = Continuar
recovery-use = Usar un código de recuperación
recovery-code = Código de recuperación
recovery-hint = Uno de los que guardó al configurar el segundo paso.

second-factor-title = Segundo paso al iniciar sesión
second-factor-account = Con él no entra como <strong>{ $account }</strong> nadie que solo conozca la contraseña.
second-factor-none = Sin configurar
second-factor-app = Aplicación de autenticación
second-factor-since = Configurada { $time }
second-factor-remove = Eliminar
second-factor-remove-what = Ya no se pedirá. Sin una llave de acceso bastará con la contraseña, y los códigos de recuperación no valdrán nada.
second-factor-remove-yes = Sí, eliminar
second-factor-codes-left =
    { $count ->
        [one] queda un código de recuperación
       *[other] quedan { $count } códigos de recuperación
    }
second-factor-new-codes = Crear otros nuevos
second-factor-new-codes-what = Los que tiene dejan de valer.
second-factor-new-codes-yes = Sí, crear otros
second-factor-another = Configurar otra aplicación
second-factor-another-what = La que tiene y sus códigos de recuperación dejan de valer en cuanto la nueva esté configurada.
second-factor-problem-set_up_wrong = <strong>Ese código no coincide.</strong> No se ha cambiado nada. Escriba el que la aplicación muestra ahora. Si sigue sin coincidir, deje que el dispositivo ponga su reloj en hora.
second-factor-problem-sent_before = <strong>Esta aplicación ya está configurada.</strong> Si no guardó los códigos de recuperación, cree otros abajo.
second-factor-problem-required = <strong>Aquí no basta con una contraseña.</strong> No se ha eliminado nada. Puede configurar otra aplicación abajo.

## Llaves de acceso

passkey-title = Iniciar sesión con una llave de acceso
passkey-use = Usar una llave de acceso
passkey-look = Su navegador la pide ahora.
passkey-failed = <strong>No funcionó o se canceló.</strong> Pulse el botón para intentarlo de nuevo.
passkey-script = <strong>Las llaves de acceso necesitan JavaScript.</strong> Aquí está desactivado: vuelva atrás y use otra cosa.
passkey-other = Usar otra cosa
passkeys-title = Llaves de acceso
passkeys-account = Una llave de acceso en su dispositivo o en su llave de seguridad inicia la sesión de <strong>{ $account }</strong> sin contraseña. Desde la primera, la contraseña sola no basta.
passkeys-count =
    { $count ->
        [0] ninguna
        [one] una llave de acceso
       *[other] { $count } llaves de acceso
    }
passkeys-new = Añadir una llave de acceso
passkeys-make = Crear la llave de acceso
passkeys-name-hint = Dónde está, por ejemplo el dispositivo o la llave.
passkeys-rename = Cambiar el nombre
passkeys-new-name = Nombre nuevo
passkeys-rename-yes = Guardar el nombre
passkeys-remove-what = Ya no inicia la sesión de nadie. Sin otra y sin aplicación bastará con la contraseña, y los códigos de recuperación no valdrán nada.
passkeys-codes-why = Son para cuando no tenga una llave de acceso a mano.
passkeys-back = Volver a sus llaves de acceso
passkeys-problem-name = <strong>La llave de acceso necesita un nombre</strong> de hasta 80 caracteres.
passkeys-problem-new_name = <strong>La llave de acceso conserva su nombre.</strong> Un nombre tiene de 1 a 80 caracteres.
passkeys-problem-too_many = <strong>Tiene demasiadas llaves de acceso.</strong> Elimine antes una.
passkeys-problem-refused = <strong>No se añadió ninguna llave de acceso.</strong> Tardó demasiado, o lo que respondió el navegador no encajaba. Inténtelo de nuevo.
passkeys-problem-required = <strong>Aquí no basta con una contraseña.</strong> No se ha eliminado nada. Añada antes otra llave de acceso o una aplicación.

## La cuenta

account-title = Su cuenta
account-sign-out = Cerrar sesión
account-email = Los mensajes para usted van a <strong>{ $address }</strong>.
account-no-email = Aquí no se conoce ninguna dirección de correo suya, por eso no se le envía nada.
account-email-change = Solo quien administra este servidor puede cambiarlo.
account-apps = Programas conectados
account-no-app = No hay ningún programa conectado.
account-set-up = Configurado por quien administra este servidor
account-uses = Usa <strong>{ $resource }</strong>
account-allowed = Permitido el { $time }
account-last-used = último uso { $time }
account-not-used = aún no se ha usado
account-until = hasta { $time }
account-disconnect = Desconectar
account-remembered = No se le preguntó, porque ya había permitido lo mismo antes.
account-disconnect-what = Pierde el acceso en unos segundos y tiene que volver a preguntarle.
account-disconnect-others =
    { $count ->
        [one] Con ella termina otra conexión que vino de la misma respuesta suya.
       *[other] Con ella terminan otras { $count } conexiones que vinieron de la misma respuesta suya.
    }
account-disconnect-yes = Sí, desconectar
account-disconnect-all = Desconectar todos los programas
account-disconnect-all-what = Todos los programas pierden el acceso en unos segundos y tienen que volver a preguntarle.
account-disconnect-all-yes = Sí, desconectar todos
account-tokens = Tokens personales
account-token-for = Para <strong>{ $resource }</strong>
account-made = Creado el { $time }
account-revoke = Revocar
account-revoke-what = Lo que lo usa pierde el acceso en unos segundos.
account-revoke-yes = Sí, revocar
account-browsers = Dónde tiene la sesión iniciada
account-this-browser = Este navegador
account-another-browser = Otro navegador
account-since = Desde { $time }
account-last-seen = visto por última vez { $time }
account-sign-out-there = Cerrar sesión allí
account-sign-out-elsewhere = Cerrar sesión en todos los demás
account-end-everything = Cerrar todas las sesiones y desconectar todo
account-end-everything-what = Se cierra la sesión en todos los navegadores, también en este, y todos los programas y tokens personales pierden el acceso en unos segundos. La forma de iniciar sesión no cambia.
account-end-everything-yes = Sí, terminar todo
account-data = Sus datos
account-export-what = Un archivo con todo lo que este servidor guarda sobre usted, sin secretos.
account-export = Descargarlo
account-times = Todas las horas son UTC.

password-title = Cambiar la contraseña
password-account = De <strong>{ $account }</strong>.
password-warning = Se cierra su sesión en todos los demás sitios, y <strong>todos los programas conectados y tokens personales</strong> pierden el acceso. Después puede volver a conectarlos.
password-old = Contraseña anterior
password-new = Contraseña nueva
password-new-again = Contraseña nueva, otra vez
password-wrong = <strong>La contraseña anterior no coincide.</strong> No se ha cambiado nada.
password-length = <strong>La contraseña nueva necesita al menos { $shortest } caracteres</strong>, y no más de mil.
password-differ = <strong>Las dos contraseñas nuevas son distintas.</strong> Escriba la misma dos veces.
password-changed = Contraseña cambiada
password-changed-what = Su sesión está cerrada en todos los demás sitios. Los programas y tokens personales de <strong>{ $account }</strong> ya no tienen acceso: vuelva a conectar los que quiera conservar.
password-back = Volver a su cuenta
password-busy = <strong>Ahora hay demasiada actividad.</strong> No se ha cambiado nada. Inténtelo de nuevo en un momento.

## Enlaces que sirven una vez

setup-title = Crear el administrador
setup-why = Aquí todavía nadie puede iniciar sesión. Elija el nombre y la contraseña de la primera cuenta, que administra este servidor.
setup-username = Nombre de usuario o correo electrónico
setup-name = <strong>Esto no puede ser un nombre de usuario.</strong> Use hasta 128 letras sin acentos, cifras y . _ @ + -
setup-submit = Crear administrador
setup-done = El administrador está creado
setup-done-what = Inicie sesión como <strong>{ $account }</strong>, con la contraseña que acaba de elegir.
reset-title = Elegir una contraseña
reset-warning = Se cierra su sesión en todas partes, y <strong>todos los programas conectados y tokens personales</strong> pierden el acceso. Después puede volver a conectarlos.
reset-submit = Guardar contraseña
reset-done = Contraseña guardada
reset-done-what = Inicie sesión como <strong>{ $account }</strong>, con la contraseña que acaba de elegir.

forgot-title = ¿Olvidó su contraseña?
forgot-why = Escriba su nombre de usuario o su dirección de correo. Recibirá por correo un enlace con el que elegir otra contraseña.
forgot-submit = Enviar el enlace
forgot-busy = <strong>Ahora mismo hay demasiada actividad.</strong> No se envió nada. Inténtelo de nuevo en un momento.
forgot-done = Mire su correo
forgot-done-what = Si existe tal cuenta y tiene una dirección de correo, hay un enlace en camino. Sirve una vez, durante <strong>{ $minutes } minutos</strong>.
forgot-done-nothing = Si no llega nada, mire en el correo no deseado. Quien administra este servidor también puede cambiar su contraseña.
forgot-back = Volver al inicio de sesión

email-code-title = Iniciar sesión por correo
email-code-why = Escriba su nombre de usuario o su dirección de correo. Recibirá por correo un código, que escribirá aquí.
email-code-submit = Enviar el código
email-code-sent = Si existe tal cuenta y tiene una dirección de correo, hay un código en camino. Escríbalo aquí, en este navegador, antes de <strong>{ $minutes } minutos</strong>.
email-code-code = Código
email-code-nothing = Si no llega nada, mire en el correo no deseado, o vuelva atrás y pida otro: solo sirve el código más reciente.
email-code_wrong = <strong>No coincide.</strong> Escriba los ocho dígitos del mensaje más reciente.
email-code_ended = <strong>Este código ya no sirve.</strong> Pida otro.

tokens-title = Nuevo token personal
tokens-account = Para scripts, y para clientes que no pueden iniciar sesión. Actúa como <strong>{ $account }</strong>.
tokens-warning = <strong>Trátelo como una contraseña.</strong> Quien lo tenga puede hacer lo que permite, hasta que termine o usted lo revoque.
tokens-name = Nombre
tokens-name-hint = Para qué es, por ejemplo el equipo que lo usa.
tokens-scopes = Qué permite
tokens-lifetime = Cuánto tiempo
tokens-days =
    { $count ->
        [one] un día
       *[other] { $count } días
    }
tokens-hours =
    { $count ->
        [one] una hora
       *[other] { $count } horas
    }
tokens-minutes =
    { $count ->
        [one] un minuto
       *[other] { $count } minutos
    }
tokens-seconds =
    { $count ->
        [one] un segundo
       *[other] { $count } segundos
    }
tokens-submit = Crear el token
tokens-problem-name = <strong>El token necesita un nombre</strong> de hasta 80 caracteres.
tokens-problem-resource = <strong>Este servidor ya no existe.</strong> Elija de nuevo abajo.
tokens-problem-scope = <strong>No se eligió nada</strong>, o algo que ya no existe. Marque lo que permite el token.
tokens-problem-lifetime = <strong>No puede durar tanto.</strong> Elija de nuevo abajo.
tokens-problem-sent_before = <strong>Este formulario ya se envió</strong> y creó un token, que no se muestra otra vez. Revóquelo en la página de su cuenta si no lo guardó, y cree otro aquí.
tokens-problem-too_many = <strong>Tiene demasiados tokens.</strong> Revoque antes algunos en la página de su cuenta.
tokens-made = Su nuevo token
tokens-once = <strong>Cópielo ahora.</strong> Se muestra solo esta vez y no se guarda en ninguna parte.
tokens-use = Se envía con cada petición en la cabecera <code>Authorization</code>, detrás de la palabra <code>Bearer</code>.

activity-title = Actividad reciente
activity-account = Lo que pasó con el acceso de <strong>{ $account }</strong>, lo más nuevo primero.
activity-none = Todavía no se ha anotado nada.
activity-older = Más antiguo
activity-from = desde <strong>{ $source }</strong>
activity-signed_in = Usted inició sesión.
activity-sign_in_failed = Alguien intentó iniciar sesión como usted, con una contraseña incorrecta.
activity-code_failed = Alguien intentó iniciar sesión como usted, con un código incorrecto.
activity-secret_known = Alguien que había iniciado sesión con otro nombre escribió su contraseña o su código correctos y no pudo entrar. Elija otra contraseña.
activity-signed_out = Se cerró la sesión de un navegador desde otro.
activity-signed_out_here = Usted cerró la sesión.
activity-signed_out_everywhere = Se cerró la sesión en un navegador, junto con todos los demás salvo aquel en el que se pidió.
activity-password_changed = Se cambió la contraseña.
activity-password_link_sent = Alguien pidió un enlace para elegir otra contraseña; se envió a su dirección de correo.
activity-account_deleted = Se eliminó la cuenta.
activity-second_step_failed = Alguien intentó iniciar sesión como usted, superó el primer paso y falló en el segundo.
activity-second_factor_added = Se configuró un segundo paso al iniciar sesión.
activity-second_factor_removed = Se eliminó el segundo paso al iniciar sesión.
activity-recovery_codes_made = Se crearon códigos de recuperación nuevos.
activity-all_revoked = Se terminaron todos los accesos: todos los programas y tokens personales.
activity-everything_ended = Se terminó todo: se cerró la sesión en todos los navegadores, y todos los programas y tokens personales perdieron el acceso.
activity-account_added = Se creó la cuenta.
activity-address_set = Los mensajes para usted van a otra dirección de correo.
activity-address_removed = Los mensajes para usted ya no van a ninguna dirección de correo.
activity-identity_linked = Se vinculó a la cuenta un proveedor de inicio de sesión.
activity-identity_unlinked = Un proveedor de inicio de sesión ya no está vinculado a la cuenta.
activity-account_disabled = La cuenta se bloqueó.
activity-account_enabled = La cuenta se desbloqueó.
activity-administrator_made = La cuenta pasó a ser administradora de este servidor.
activity-administrator_unmade = La cuenta ya no es administradora de este servidor.
activity-password_link_made = Se creó un enlace para elegir otra contraseña.
activity-administration_entered = Usted abrió la administración de este servidor.
activity-administration_link_made = Se creó un enlace que le abre la administración de este servidor.
activity-administration_left = Usted salió de la administración de este servidor.
activity-token_made = Se creó un token personal: <strong>{ $name }</strong>, para <strong>{ $resource }</strong>.
activity-token_revoked = Se revocó el token personal <strong>{ $name }</strong>.
activity-token_called = Un token personal usó <strong>{ $name }</strong> de <strong>{ $resource }</strong>.
activity-token_refused = Un token personal pidió <strong>{ $name }</strong> de <strong>{ $resource }</strong>, y se le negó.
activity-granted = Usted permitió a <strong>{ $client }</strong> usar <strong>{ $resource }</strong>.
activity-denied = Usted no permitió que <strong>{ $client }</strong> use <strong>{ $resource }</strong>.
activity-revoked = Se terminó el acceso de <strong>{ $client }</strong> a <strong>{ $resource }</strong>.
activity-called = <strong>{ $client }</strong> usó <strong>{ $name }</strong> de <strong>{ $resource }</strong>.
activity-refused = <strong>{ $client }</strong> pidió <strong>{ $name }</strong> de <strong>{ $resource }</strong>, y se le negó.
activity-by-password = Con la contraseña.
activity-by-oidc = En un proveedor de inicio de sesión.
activity-by-link = Con un enlace.
activity-by-email_code = Con un código por correo.
activity-by-totp = Con una aplicación de autenticación.
activity-by-passkey = Con una llave de acceso.
activity-by-recovery_code = Con un código de recuperación.
activity-by-owner = Por usted.
activity-by-client = Por la propia aplicación.
activity-by-operator = Por quien administra este servidor.
activity-by-replayed = Porque volvió a llegar un token o código ya usado: puede que otra persona tuviera una copia.

delete-title = Eliminar su cuenta
delete-warning = <strong>Esto no se puede deshacer.</strong> La cuenta <strong>{ $account }</strong> se elimina de inmediato.
delete-apps = Cada programa conectado y cada token personal pierde el acceso en segundos.
delete-sessions = Se cierra su sesión en todas partes.
delete-kept = Lo que se hizo queda en el registro de auditoría de este servidor, con un identificador que no dice nada de usted.
delete-name = Escriba su nombre de usuario para confirmar
delete-submit = Eliminar mi cuenta
delete-problem-name = <strong>Ese no es su nombre de usuario.</strong> No se eliminó nada.
delete-problem-last_administrator = <strong>Usted es el último administrador.</strong> Nombre antes a otra persona. No se eliminó nada.
delete-done = Su cuenta está eliminada
delete-done-what = Ya nada tiene acceso en su nombre. Puede cerrar esta página.

## Consentimiento

consent-title = ¿Permitir el acceso a { $resource }?
consent-request = <strong>{ $client }</strong> quiere usar { $resource }
consent-unverified = El propio programa eligió este nombre; nadie lo ha comprobado.
consent-known = Conocido
consent-verified-host = Sitio verificado
consent-described = <strong>{ $host }</strong> lo describe.
consent-described-by = Descrito por
consent-destination = El acceso va a
consent-this-computer = un programa de este ordenador, puerto { $port }
consent-program = un programa de este dispositivo
consent-device = el dispositivo o programa que muestra este código
consent-account = Sesión de
consent-switch-account = Cambiar de cuenta
consent-resource = Para usar
consent-scopes = Podrá
consent-all-new = Ya tiene acceso. Todo esto es nuevo.
consent-some-new = Ya tiene parte de esto. Lo nuevo está marcado.
consent-nothing-new = Ya tiene todo esto. No hay nada nuevo.
consent-new = Nuevo
consent-had = ya permitido
consent-required = necesario para todo lo demás
consent-includes = Incluye:
consent-tools = Con herramientas que el servidor describe así:
consent-destructive = puede destruir
consent-read-only = solo lee
consent-more-tools =
    { $count ->
        [one] y una más
       *[other] y { $count } más
    }
consent-nothing-ticked = No hay nada marcado. Marque lo que podrá hacer o deniegue el acceso.
consent-lifetime = Cuánto tiempo
consent-days =
    { $count ->
        [one] hasta un día, salvo que se revoque antes
       *[other] hasta { $count } días, salvo que se revoque antes
    }
consent-hours =
    { $count ->
        [one] hasta una hora, salvo que se revoque antes
       *[other] hasta { $count } horas, salvo que se revoque antes
    }
consent-minutes =
    { $count ->
        [one] hasta un minuto, salvo que se revoque antes
       *[other] hasta { $count } minutos, salvo que se revoque antes
    }
consent-seconds =
    { $count ->
        [one] hasta un segundo, salvo que se revoque antes
       *[other] hasta { $count } segundos, salvo que se revoque antes
    }
consent-asks-again = Después tendrá que preguntarle de nuevo.
consent-renewed-days =
    { $count ->
        [one] Hasta entonces renueva el acceso por sí mismo, aproximadamente cada día.
       *[other] Hasta entonces renueva el acceso por sí mismo, aproximadamente cada { $count } días.
    }
consent-renewed-hours =
    { $count ->
        [one] Hasta entonces renueva el acceso por sí mismo, aproximadamente cada hora.
       *[other] Hasta entonces renueva el acceso por sí mismo, aproximadamente cada { $count } horas.
    }
consent-renewed-minutes =
    { $count ->
        [one] Hasta entonces renueva el acceso por sí mismo, aproximadamente cada minuto.
       *[other] Hasta entonces renueva el acceso por sí mismo, aproximadamente cada { $count } minutos.
    }
consent-renewed-seconds =
    { $count ->
        [one] Hasta entonces renueva el acceso por sí mismo, aproximadamente cada segundo.
       *[other] Hasta entonces renueva el acceso por sí mismo, aproximadamente cada { $count } segundos.
    }
consent-remembered-days =
    { $count ->
        [one] Si pide lo mismo en el plazo de un día, lo obtiene sin preguntarle.
       *[other] Si pide lo mismo en el plazo de { $count } días, lo obtiene sin preguntarle.
    }
consent-remembered-hours =
    { $count ->
        [one] Si pide lo mismo en el plazo de una hora, lo obtiene sin preguntarle.
       *[other] Si pide lo mismo en el plazo de { $count } horas, lo obtiene sin preguntarle.
    }
consent-loopback-warning = <strong>Continúe solo si usted acaba de iniciar esto.</strong> El acceso se entrega a un programa de este ordenador, en el puerto { $port }. Cualquier programa puede usar cualquier nombre.
consent-device-warning = <strong>Permítalo solo si usted acaba de iniciarlo y su propio dispositivo muestra exactamente este código.</strong> Si alguien le envió el código o un enlace, deniegue el acceso: el dispositivo de esa persona actuaría en nombre de usted. Nadie necesita esto para ayudarle.
consent-deny = Denegar
consent-allow = Permitir

## Dispositivos

device-title = Conectar un dispositivo
device-text = Escriba el código que muestra su dispositivo o programa.
device-code-unknown = <strong>Ningún dispositivo espera con este código.</strong> Compárelo con el que muestra el dispositivo. Un código de hace unos minutos puede haber caducado: haga que el dispositivo muestre uno nuevo.
device-too-many-attempts = <strong>Demasiados códigos incorrectos.</strong> Espere un minuto e inténtelo de nuevo.
device-code = Código
device-warning = <strong>Continúe solo si usted acaba de iniciar esto.</strong> Si alguien le envió este código o este enlace, cierre esta página: el código conecta el dispositivo de esa persona con la cuenta de usted.
device-submit = Continuar
device-allowed-title = Dispositivo conectado
device-allowed-heading = Listo: vuelva a su dispositivo
device-allowed = <strong>{ $client }</strong> ya puede usar <strong>{ $resource }</strong>. Lo sabrá en unos segundos.
device-denied-title = Acceso denegado
device-denied = Se ha comunicado a <strong>{ $client }</strong> que no puede usar <strong>{ $resource }</strong>. No se le ha dado nada.
device-close = Puede cerrar esta página.

## Errores: qué ha pasado y qué hacer, paso a paso

error-what-to-do = Qué hacer
error-pass-on = Si pide ayuda, comunique estos datos:
error-reason = Motivo
error-code = Error
error-request = Solicitud

error-client_unknown = Este programa no está registrado aquí
    .text = El programa que le ha enviado aquí usa un registro que este servidor no conoce, o que ya no conoce. Intentarlo de nuevo no sirve hasta que el programa se registre otra vez.
    .step-1 = Haga que el programa olvide lo que guardó sobre este servidor y conéctelo de nuevo. En la mayoría de los programas no basta con quitar el servidor y volver a añadirlo.
error-client_document_refused = No se puede identificar este programa
    .text = Lo describe un documento de su sitio web, y a ese documento le falta algo o dice algo que no es seguro. No se ha permitido nada.
    .step-1 = Si ha seguido un enlace de un mensaje o de una página web, cierre esta página.
    .step-2 = Si usted inició esto en el programa, actualice el programa y conéctelo de nuevo.
    .step-3 = Si eso no ayuda, avise a quien hace el programa: el motivo está abajo.
error-client_document_unreachable = El sitio web del programa no responde
    .text = Este servidor tiene que leer allí qué es el programa antes de que usted pueda permitirle algo, y no ha podido. No se ha perdido nada, y los programas que están conectados siguen conectados.
    .step-1 = Espere medio minuto y vuelva a cargar esta página.
    .step-2 = Si vuelve a ocurrir, avise a quien administra este servidor: el motivo está abajo y en su registro.
error-client_not_allowed = Este programa no está permitido aquí
    .text = Quien administra este servidor no deja que se conecten programas de este sitio web.
    .step-1 = Si necesita este programa, pida a quien administra este servidor que lo permita.
error-redirect_uri_refused = Se ha detenido esta solicitud
    .text = Quería enviar la respuesta a una dirección que el programa nunca registró. No se ha enviado nada allí.
    .step-1 = Si ha seguido un enlace de un mensaje o de una página web, cierre esta página: puede que alguien haya intentado hacerse con su acceso.
    .step-2 = Si usted inició esto en el programa, actualice el programa, quite allí el servidor y conéctelo de nuevo.
error-request_invalid = No se puede leer esta solicitud
    .text = El programa ha enviado algo que este servidor no entiende, así que no hay nada que permitir.
    .step-1 = Vuelva al programa y conéctelo de nuevo.
    .step-2 = Si eso no ayuda, actualice el programa.
error-request_ended = Esta solicitud ha terminado
    .text = Ya se respondió, o esperó demasiado tiempo una respuesta. Abrirla otra vez no cambia nada.
    .step-1 = Si el programa ya está conectado, cierre esta página.
    .step-2 = Si no lo está, vuelva al programa y conéctelo de nuevo.
error-browser_changed = Esta solicitud se ha abierto en otro navegador
    .text = Solo se puede responder donde empezó. Esto también ocurre cuando las cookies están bloqueadas para este sitio, o en una ventana privada.
    .step-1 = Vuelva al programa, conéctelo de nuevo y permanezca en la ventana que se abre.
    .step-2 = Si esta página aparece otra vez, permita las cookies para este sitio.
error-interaction_required = Esta solicitud quiere una respuesta sin usted
    .text = El programa ha pedido entrar sin que se le pregunte a usted. Este servidor pregunta siempre, así que no se ha permitido nada.
    .step-1 = Vuelva al programa y conéctelo de nuevo.
    .step-2 = Si eso no ayuda, actualice el programa.
error-form_refused = No se ha aceptado este formulario
    .text = No viene de una página que este servidor le haya mostrado, o usted ha iniciado o cerrado sesión entretanto. No se ha cambiado nada.
    .step-1 = Vuelva al programa y conéctelo de nuevo.
error-provider_unreachable = El proveedor de inicio de sesión no responde
    .text = Este servidor le preguntó quién es usted y no pudo comunicarse con él. No se ha perdido nada, y quien tiene la sesión iniciada la conserva.
    .step-1 = Espere un momento e inicie sesión de nuevo.
    .step-2 = Si hay otra forma de iniciar sesión, use esa.
error-sign_in_cancelled = Usted no inició sesión
    .text = Se canceló el inicio de sesión en el proveedor. No se ha cambiado nada.
    .step-1 = Inicie sesión de nuevo, allí o de otra forma.
    .step-2 = Si no quería iniciar sesión, cierre esta página.
error-sign_in_not_allowed = Esta cuenta no está permitida aquí
    .text = El proveedor dice quién es usted, y quien administra este servidor no deja entrar a esta cuenta.
    .step-1 = Si tiene otra cuenta allí, inicie sesión con ella.
    .step-2 = Si necesita acceso, pídalo a quien administra este servidor.
error-sign_in_not_linked = Esta cuenta aún no se conoce aquí
    .text = El proveedor dice quién es usted. Quien administra este servidor tiene que vincular antes esa cuenta a un usuario de aquí.
    .step-1 = Envíe lo que aparece abajo a quien administra este servidor y, después, inicie sesión de nuevo.
error-sign_in_failed = El inicio de sesión no ha funcionado
    .text = Lo que respondió el proveedor no demuestra quién es usted. No se ha cambiado nada.
    .step-1 = Inicie sesión de nuevo.
    .step-2 = Si vuelve a ocurrir, avise a quien administra este servidor: el motivo está en su registro.
error-sign_in_ended = Este inicio de sesión ha terminado
    .text = Ya se completó, o tardó demasiado. Abrirlo otra vez no cambia nada.
    .step-1 = Si ha iniciado sesión, cierre esta página.
    .step-2 = Si no, vuelva a donde empezó e inicie sesión de nuevo.
error-sign_in_elsewhere = Este inicio de sesión empezó en otro navegador
    .text = Solo se puede completar donde empezó. No se ha cambiado nada.
    .step-1 = Si ha seguido un enlace de un mensaje o de una página web, cierre esta página: puede que alguien quiera que usted use la cuenta de esa persona.
    .step-2 = Si lo empezó usted, inicie sesión de nuevo, permanezca en la misma ventana y permita las cookies para este sitio.
error-sign_in_other_user = Esa es otra cuenta
    .text = Se le pidió confirmar que es usted, e inició sesión en el proveedor como otra persona. No se cambió nada.
    .step-1 = Inicie sesión otra vez, con la cuenta con la que tiene la sesión abierta aquí.
    .step-2 = Si quiere usar la otra, cierre antes la sesión aquí.
error-passkey_refused = Esta llave de acceso no fue aceptada
    .text = No se conoce aquí, fue eliminada o no respondió a lo que se le pidió. No se ha cambiado nada.
    .step-1 = Vuelva atrás e inicie sesión con su contraseña o con otra llave de acceso.
    .step-2 = Si vuelve a ocurrir, elimine la llave de acceso en la página de su cuenta y en el dispositivo, y añada otra nueva.
error-back-to-sign-in = Volver al inicio de sesión
error-setup_link_ended = Este enlace ya no sirve
    .text = Crea el primer administrador, una vez y en el plazo de un día. Ya se usó, se hizo uno más nuevo, o alguien ya tiene una cuenta aquí.
    .step-1 = Si usted creó el administrador, inicie sesión con esa cuenta.
    .step-2 = Si todavía nadie puede iniciar sesión, ejecute en el servidor: gatelodge user setup-link
error-password_link_ended = Este enlace ya no sirve
    .text = Establece una contraseña, una vez y en el plazo de un día. Ya se usó, es demasiado antiguo, se hizo uno más nuevo, o la contraseña se cambió entretanto.
    .step-1 = Si eligió una contraseña con él, inicie sesión con ella.
    .step-2 = Si no, pida un enlace nuevo a quien administra este servidor.
error-too_many_requests = Un momento, por favor
    .text = Este servidor recibe demasiadas solicitudes, de su red o de todos en conjunto. No se ha cambiado nada y no se ha perdido nada.
    .step-1 = Espere un minuto y vuelva a cargar esta página.
    .step-2 = Si vuelve a ocurrir, avise a quien administra este servidor.
error-temporarily_unavailable = Un momento, por favor
    .text = Este servidor no puede responder ahora. No se ha cambiado nada y no se ha perdido nada.
    .step-1 = Espere unos segundos y vuelva a cargar esta página.
    .step-2 = Si le pide que empiece de nuevo, vuelva al programa y conéctelo otra vez.
error-server_error = Algo ha ido mal aquí
    .text = El fallo está en este servidor, no en usted ni en el programa.
    .step-1 = Vuelva al programa y conéctelo de nuevo.
    .step-2 = Si vuelve a ocurrir, avise a quien administra este servidor.

## Cómo hacer que cada programa olvide lo que guardó

way-out-claude = Configuración, Conectores: quite el conector y vuelva a añadirlo
way-out-claude_code = <kbd>/mcp</kbd>, elija el servidor, <em>Clear authentication</em>; o ejecute <code>claude mcp login NAME</code>
way-out-chatgpt = elimine el conector en su configuración y créelo de nuevo
way-out-vscode = Paleta de comandos: <em>Authentication: Remove Dynamic Authentication Providers</em>
way-out-codex = ejecute <code>codex mcp logout NAME</code> y después <code>codex mcp login NAME</code>
way-out-gemini_cli = inicie sesión de nuevo con <kbd>/mcp auth NAME</kbd>: se registra otra vez en cada ocasión
way-out-opencode = ejecute <code>opencode mcp logout NAME</code> y después <code>opencode mcp auth NAME</code>
way-out-zed = inicie sesión de nuevo en el servidor: se registra otra vez en cada ocasión
way-out-mcp_remote = elimine el directorio <code>.mcp-auth</code> de su directorio personal
way-out-other-clients = Otros programas
way-out-other-client = Cualquier otro
way-out-other = busque <em>cerrar sesión</em>, <em>desconectar</em> o <em>borrar la autenticación</em> junto al servidor

## E-mail: plain text, whose lines may be long. What follows .subject is its subject.

mail-test =
    Esto es una prueba de { $product } en { $server }.

    Si puede leerlo, los mensajes llegan. No hay que hacer nada más.
    .subject = { $product }: mensaje de prueba

mail-password-link =
    Alguien pidió otra contraseña para la cuenta { $account } en { $product }. Si fue usted, elíjala aquí:

    { $link }

    El enlace sirve una vez, durante { $minutes } minutos. No se lo dé a nadie.

    Si no fue usted, no haga nada: su contraseña sigue como está.
    .subject = { $product }: elija otra contraseña

mail-sign-in-code =
    Su código para iniciar sesión como { $account } en { $product }:

    { $code }

    Sirve durante { $minutes } minutos, una vez, en el navegador en el que lo pidió. No lo escriba en ningún otro sitio ni se lo diga a nadie: quien se lo pida quiere entrar como usted.

    Si no lo pidió, no haga nada.
    .subject = { $product }: su código para iniciar sesión

mail-password-changed =
    La cuenta { $account } en { $product } tiene ahora otra contraseña. Se cerró la sesión en todos los navegadores y las aplicaciones conectadas ya no tienen acceso.

    Si fue usted, no hay que hacer nada. Si no fue usted, elija otra de inmediato con «¿Olvidó su contraseña?» en la página de inicio de sesión, y avise a quien administra { $server }.
    .subject = { $product }: su contraseña cambió

mail-passkey-added =
    Se añadió una llave de acceso a la cuenta { $account } en { $product }. Quien la tenga puede iniciar sesión con ella.

    Si fue usted, no hay que hacer nada. Si no fue usted, quítela en la página de su cuenta, elija otra contraseña de inmediato y avise a quien administra { $server }.
    .subject = { $product }: se añadió una llave de acceso

mail-passkey-removed =
    Se quitó una llave de acceso de la cuenta { $account } en { $product }. Ya nadie inicia sesión con ella.

    Si fue usted, no hay que hacer nada. Si no fue usted, elija otra contraseña de inmediato con «¿Olvidó su contraseña?» en la página de inicio de sesión, y avise a quien administra { $server }.
    .subject = { $product }: se quitó una llave de acceso

mail-authenticator-added =
    Se configuró una aplicación de autenticación para la cuenta { $account } en { $product }. A partir de ahora se pide su código a quien inicie sesión con la contraseña.

    Si fue usted, no hay que hacer nada. Si no fue usted, avise de inmediato a quien administra { $server }: sin esa aplicación quizá no pueda iniciar sesión.
    .subject = { $product }: se configuró una aplicación de autenticación

mail-authenticator-removed =
    Se quitó la aplicación de autenticación de la cuenta { $account } en { $product }. Ya no se pide su código.

    Si fue usted, no hay que hacer nada. Si no fue usted, elija otra contraseña de inmediato con «¿Olvidó su contraseña?» en la página de inicio de sesión, y avise a quien administra { $server }.
    .subject = { $product }: se quitó la aplicación de autenticación

mail-second-factor-reset =
    Quien administra { $server } quitó lo que pide el segundo paso del inicio de sesión: las llaves de acceso, la aplicación de autenticación y los códigos de recuperación de la cuenta { $account } en { $product }. Ahora basta la contraseña.

    Si usted lo pidió, configure de nuevo un segundo paso en la página de su cuenta. Si no, elija otra contraseña de inmediato con «¿Olvidó su contraseña?» en la página de inicio de sesión, y pregúntele por qué.
    .subject = { $product }: se restableció su segundo paso
## Administración

administration-title = Administración
administration-overview = Resumen
administration-users = Usuarios
administration-grants = Accesos
administration-search = Buscar
administration-next = Siguiente
administration-name = Nombre de usuario
administration-enter-what = Abre la administración de este servidor para <strong>{ $account }</strong>, en este navegador. El enlace sirve una vez.
administration-enter-hours =
    { $count ->
        [one] Queda abierta una hora.
       *[other] Queda abierta { $count } horas.
    }
administration-enter-submit = Abrir la administración
administration-server = Servidor
administration-resources = Servidores MCP
administration-who = Usted
administration-recorded = Lo que cambie aquí queda en el registro de auditoría, con su nombre.
administration-users-search = El nombre empieza por, o correo electrónico
administration-users-none = Nadie se llama así.
administration-disabled = Bloqueado
administration-enabled = Puede iniciar sesión
administration-administrator = Administrador
administration-state = Estado
administration-address = Correo electrónico
administration-signs-in = Inicia sesión con
administration-browsers = Navegadores
administration-signed-in = último inicio de sesión { $time }
administration-id = Identificador
administration-personal-token = Token personal
administration-machine = para sí mismo
administration-grants-user = Usuario
administration-grants-client = Programa (client_id)
administration-grants-none = No hay nada permitido.
administration-grants-all = Ver todos
administration-any = Cualquiera
administration-audit = Registro de auditoría
administration-audit-kind = Qué ocurrió
administration-audit-since = Desde (UTC)
administration-audit-until = Antes de (UTC)
administration-audit-time = Como 2026-11-28 o 2026-11-28 10:00
administration-audit-request = ID de la petición
administration-audit-by = Cambiado por
administration-audit-details = Todo lo que se guarda de ello
administration-audit-none = No se encontró nada.
administration-connections = Conexiones
administration-connections-state = En qué estado está
administration-connections-readers = También quien solo leyó los metadatos
administration-connections-none = No se encontró ningún intento de conexión.
administration-connection = Una conexión
connection-state-connected = Conectada
connection-state-waiting = En camino
connection-state-stopped = Detenida
connection-state-unknown = Desconocido
connection-steps = Paso a paso
connection-cause = Causa probable
connection-advice = Qué hacer
connection-back = Volver a las conexiones
connection-step-challenged = Poco antes se rechazó a alguien sin token
connection-step-metadata_read = Metadatos leídos
connection-step-registered = Registrado
connection-step-registration_refused = Registro rechazado
connection-step-device_asked = Un dispositivo pidió códigos
connection-step-asked = Se pidió autorización
connection-step-request_refused = Petición rechazada
connection-step-sent_to_provider = Enviado a un proveedor
connection-step-provider_failed = El proveedor no identificó a nadie
connection-step-sign_in_failed = Inicio de sesión fallido
connection-step-second_step_asked = Se pidió el segundo paso
connection-step-second_step_failed = Segundo paso fallido
connection-step-signed_in = Sesión iniciada
connection-step-consent_shown = Pregunta mostrada
connection-step-allowed = Permitido
connection-step-denied = Denegado
connection-step-token_refused = Token denegado
connection-step-token_issued = Token emitido
connection-step-first_call = Primera llamada
connection-step-call_refused = Llamada rechazada
administration-link-once = <strong>Entregue este enlace ahora.</strong> Solo se muestra esta vez. Quien lo tiene elige la contraseña, una vez, en 24 horas; los enlaces anteriores ya no sirven.
administration-do = Qué puede hacer
administration-do-revoke_all = Terminar todos los accesos
    .what = Todos los programas y tokens personales pierden el acceso en unos segundos.
administration-do-sign_out = Cerrar sesión en todas partes
    .what = Se cierra la sesión en todos los navegadores. Los programas siguen funcionando.
administration-do-password_link = Crear un enlace para una contraseña nueva
    .what = Hasta que se use, sirve la contraseña anterior. Los enlaces anteriores ya no sirven.
administration-do-reset_second_factor = Quitar el segundo paso
    .what = La aplicación, las llaves de acceso y los códigos de recuperación desaparecen; basta la contraseña. Asegúrese de quién se lo ha pedido.
administration-do-make_administrator = Hacer administrador
    .what = Entonces puede entrar aquí, con un enlace que crea quien gestiona el servidor.
administration-do-unmake_administrator = Dejar de ser administrador
    .what = Desde este momento ya no puede entrar aquí.
administration-do-disable = Bloquear
    .what = Terminan todas las sesiones y accesos, y no puede iniciar sesión hasta que usted lo desbloquee.
administration-do-enable = Desbloquear
    .what = Puede volver a iniciar sesión. Lo que terminó sigue terminado.
administration-do-remove = Eliminar
    .what = Esto no se puede deshacer. Terminan todas las sesiones y accesos, y el nombre queda libre para otra persona. Escriba el nombre de usuario para confirmar.
administration-problem-name = <strong>Ese no es el nombre de usuario.</strong> No se ha cambiado nada.
administration-problem-last_administrator = <strong>Nadie más administra este servidor.</strong> No se ha cambiado nada. Haga primero administrador a otra persona.
administration-problem-disabled = <strong>Quien está bloqueado no puede elegir una contraseña.</strong> No se ha cambiado nada. Desbloquéelo primero.
administration-clients = Programas
administration-client = Programa
administration-keys = Claves
administration-confirm = Sé qué termina con esto.
administration-unconfirmed = <strong>No se ha cambiado nada.</strong> Marque la casilla para confirmar.
administration-clients-search = client_id, o cómo empieza el nombre
administration-clients-kind = Cómo llegó aquí
administration-clients-none = No existe ese programa.
administration-kind-all = Todos
administration-kind-configured = Configurado por usted
administration-kind-metadata_document = Descrito por su sitio web
administration-kind-dynamic = Se registró por sí mismo
administration-in-configuration = Está en la configuración
administration-never-allowed = nunca se le permitió nada
administration-grants-count =
    { $count ->
        [0] ningún acceso
        [one] un acceso
       *[other] { $count } accesos
    }
administration-grants-or-more = { $count } accesos o más
administration-client-page = Su página, según dice
administration-client-answers = El acceso va a
administration-client-grant-types = Tipos de concesión
administration-client-proof = Se identifica con
administration-client-limits = Puede pedir
administration-client-unlimited = todo
administration-client-introspects = puede preguntar por tokens
administration-client-configured = Está en la configuración. Para quitarlo, elimine allí su <code>[[client]]</code> y reinicie el servidor.
administration-client-refused = <strong>Ya no se admite.</strong> La configuración no confía en el host que lo describe.
administration-client-revoke_all = Terminar todos sus accesos
    .what = Lo que cualquiera permitió a este programa termina en unos segundos. Quien lo quiera de nuevo lo permite otra vez.
administration-client-remove = Quitarlo
    .what = El programa es desconocido desde entonces, y lo que cualquiera le permitió termina en unos segundos.
administration-client-comes-back = Puede volver con el próximo inicio de sesión, porque su sitio web lo describe: <code>deny</code> en la configuración lo deja fuera.
administration-keys-what = Con qué se firman los tokens de acceso. Las claves se turnan por sí mismas.
administration-keys-has-next = La próxima clave está publicada y firma cuando llegue su momento.
administration-key-active = Firma
    .time = desde { $time }
administration-key-next = Próxima
    .time = firma desde { $time }
administration-key-retired = Retirada
    .time = publicada al menos hasta { $time }
administration-key-rotate = Publicar ahora una clave nueva
    .what = Firma cuando todos hayan tenido tiempo de obtenerla; la anterior queda hasta que caduque su último token. Nadie lo nota.
administration-key-revoke = Retirar del uso de inmediato
    .what = Para una clave que otra persona puede tener. Todo token firmado con ella se rechaza en un minuto; los programas obtienen otros, y los tokens personales firmados con ella tienen que crearse de nuevo. Si es la que firma, otra ocupa su lugar.
administration-obstacle-host_refused = No en esta dirección
    .text = La administración responde en una sola dirección: la de <code>administration.url</code> en la configuración.
administration-obstacle-not_let_in = No puede entrar
    .text = Los administradores entran con un enlace, por unas horas. Quien gestiona el servidor lo crea allí con <code>gatelodge administration link</code>.
administration-obstacle-link_ended = Este enlace ya no sirve
    .text = Sirve una vez, durante diez minutos, y uno más nuevo lo anula. Quien gestiona el servidor crea otro con <code>gatelodge administration link</code>.
administration-obstacle-form_refused = Este formulario se ha rechazado
    .text = No venía de una página que se le mostró aquí, o ha vuelto a entrar desde entonces. No se ha cambiado nada. Vuelva atrás, recargue la página e inténtelo de nuevo.
administration-obstacle-request_invalid = Esta petición no tiene sentido
    .text = Su dirección o su formulario se han modificado, o no están completos. No se ha cambiado nada.
administration-obstacle-not_found = Ya no está aquí
    .text = Se ha eliminado, o nunca existió. No se ha cambiado nada.
administration-obstacle-unavailable = No disponible ahora
    .text = La base de datos no responde. No se ha perdido nada; inténtelo de nuevo en un momento.
administration-obstacle-fault = Algo ha fallado aquí
    .text = Es un fallo de este servidor. El registro dice más, bajo la petición que se indica abajo.
