//! The one list of pages: whoever checks, tests or shows all of them goes through it. A new page is added here and nowhere else.

use super::administration::{
    AuditPage, ClientPage, ClientsPage, ConnectionPage, ConnectionsPage, EnterPage, GrantsPage, KeysPage, ObstaclePage,
    OverviewPage, UserPage, UsersPage,
};
use super::{
    AccountDeletedPage, AccountPage, AccountTokensPage, ActivityPage, ConsentPage, DeleteAccountPage, DeviceDonePage,
    DevicePage, EmailCodePage, ErrorPage, ForgotPage, LegalPage, LoginPage, Page, PagesError, PasskeyPage,
    PasskeysPage, PasswordPage, ResetPage, SecondFactorPage, SecondStepPage, SetupPage, SignInPage,
};

/// Does something with each kind of page.
pub trait PageVisitor {
    /// Is called once for each kind.
    fn visit<P: Page>(&mut self) -> Result<(), PagesError>;
}

/// Shows `visitor` every page, up to the first that it fails on.
pub fn visit_every_page(visitor: &mut impl PageVisitor) -> Result<(), PagesError> {
    visitor.visit::<LoginPage>()?;
    visitor.visit::<SignInPage>()?;
    visitor.visit::<SecondStepPage>()?;
    visitor.visit::<PasskeyPage>()?;
    visitor.visit::<AccountPage>()?;
    visitor.visit::<SecondFactorPage>()?;
    visitor.visit::<PasskeysPage>()?;
    visitor.visit::<AccountTokensPage>()?;
    visitor.visit::<ActivityPage>()?;
    visitor.visit::<DeleteAccountPage>()?;
    visitor.visit::<AccountDeletedPage>()?;
    visitor.visit::<PasswordPage>()?;
    visitor.visit::<SetupPage>()?;
    visitor.visit::<ResetPage>()?;
    visitor.visit::<ForgotPage>()?;
    visitor.visit::<EmailCodePage>()?;
    visitor.visit::<ConsentPage>()?;
    visitor.visit::<DevicePage>()?;
    visitor.visit::<DeviceDonePage>()?;
    visitor.visit::<ErrorPage>()?;
    visitor.visit::<LegalPage>()?;
    visitor.visit::<EnterPage>()?;
    visitor.visit::<OverviewPage>()?;
    visitor.visit::<UsersPage>()?;
    visitor.visit::<UserPage>()?;
    visitor.visit::<GrantsPage>()?;
    visitor.visit::<ClientsPage>()?;
    visitor.visit::<ClientPage>()?;
    visitor.visit::<KeysPage>()?;
    visitor.visit::<AuditPage>()?;
    visitor.visit::<ConnectionsPage>()?;
    visitor.visit::<ConnectionPage>()?;
    visitor.visit::<ObstaclePage>()
}
