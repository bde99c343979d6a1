//! What the operator sees and ends of somebody's second step: what remains after another password, and `gatelodge user
//! reset-second-factor`.

use gatelodge_store::users::User;
use gatelodge_store::{Tx, email_addresses};

use super::user::{Named, change};
use super::{Setting, run, text};
use crate::login::second_factors::Factors;
use crate::mail::{Addressed, Postman};
use crate::pages::{FactorChange, Letter, Pages};

/// Takes everything away.
pub fn reset(named: Named) -> Result<(), String> {
    run(async move {
        let setting = Setting::open(&named.config).await?;
        let operator = setting.operator();
        let reset = change(&setting, &named.name, move |tx: &mut Tx, user: &User| {
            if !operator.reset_second_factor(tx, user)? {
                return Ok(None);
            }
            Ok(Some((user.username.clone(), email_addresses::of_user(tx, &user.id)?)))
        });
        let Some((account, address)) = reset.await? else {
            println!("{} has none", named.name);
            return Ok(());
        };
        println!("reset the second factor of {}, and signed them out of every browser", named.name);
        if let Some(address) = address {
            tell(&setting, account, &address).await;
        }
        Ok(())
    })
}

/// What was done is done, whether they hear of it or not.
async fn tell(setting: &Setting, account: String, address: &str) {
    match letter(setting, account, address).await {
        Ok(true) => println!("and told them at {address}"),
        Ok(false) => {}
        Err(error) => eprintln!("they were not told at {address}: {error}"),
    }
}

/// `false` where no messages are sent.
async fn letter(setting: &Setting, account: String, address: &str) -> Result<bool, String> {
    let Some(email) = &setting.config.email else { return Ok(false) };
    let to = address.parse().map_err(text)?;
    let pages = Pages::load(&setting.config.branding).map_err(text)?;
    let server = setting.config.public_url.to_string();
    let letter = Letter::SecondFactor { change: FactorChange::Reset, account, server };
    let letter = pages.write(&letter, pages.language(None, None)).map_err(text)?;
    let postman = Postman::new(&setting.config, email).map_err(text)?;
    postman.send(&Addressed { to, letter }).await.map_err(text)?;
    Ok(true)
}

/// Another password leaves the second step as it is, and that may be somebody else's.
pub fn remaining(factors: &Factors, name: &str) -> Option<String> {
    let passkeys = match factors.passkeys.len() {
        0 => None,
        1 => Some("1 passkey".to_owned()),
        number => Some(format!("{number} passkeys")),
    };
    let app = factors.totp.as_ref().map(|_| "an authenticator app".to_owned());
    let left: Vec<String> = [passkeys, app].into_iter().flatten().collect();
    (!left.is_empty()).then(|| {
        format!(
            "their second step remains: {}\n  hint: if somebody else may have set it up, gatelodge user reset-second-factor {name}, and then this command again",
            left.join(" and ")
        )
    })
}
