//! Texts that must not be seen: never stored nor answered as they are, and their `Debug` shows nothing.

use std::{fmt, str::FromStr};

use super::{measure, text_of};
use crate::validation::{self, Invalid};

/// A password as typed: 8 to 128 characters. Its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    const MIN: usize = 8;
    const MAX: usize = 128;

    /// The secret itself: for the hasher only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

sent!(Password, text_of(Password::MIN, Password::MAX).format(Some(validation::format("password"))));

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl FromStr for Password {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        measure(text, Self::MIN, Self::MAX)?;
        Ok(Self(text.to_owned()))
    }
}

/// A bank account number: 6 to 20 digits. Its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct AccountNumber(String);

impl AccountNumber {
    /// All digits: for the cipher only.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The last four digits: all that is ever answered.
    pub fn last_four(&self) -> String {
        let digits: Vec<char> = self.0.chars().collect();
        digits.iter().skip(digits.len().saturating_sub(4)).collect()
    }
}

sent!(AccountNumber, text_of(6, 20).pattern(Some("^[0-9]{6,20}$")));

impl fmt::Debug for AccountNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountNumber(…)")
    }
}

impl FromStr for AccountNumber {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if (6..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Self(text.to_owned()));
        }
        Err(Invalid::new("NOT_AN_ACCOUNT_NUMBER", "계좌번호는 숫자 6~20자리여야 합니다.", "must have 6 to 20 digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_show() {
        let password: Password = "canary-password".parse().unwrap();
        let account: AccountNumber = "123456789012".parse().unwrap();
        assert_eq!(format!("{password:?} {account:?}"), "Password(…) AccountNumber(…)");
        assert_eq!(account.last_four(), "9012");
        // But to the hasher and the cipher.
        assert_eq!((password.expose(), account.expose()), ("canary-password", "123456789012"));
    }

    #[test]
    fn an_account_number_is_6_to_20_digits() {
        for (text, good) in [
            ("12345", false),
            ("123456", true),
            ("12345678901234567890", true),
            ("123456789012345678901", false),
            ("12345a", false),
            ("123-456", false),
            ("１２３４５６", false),
        ] {
            assert_eq!(text.parse::<AccountNumber>().is_ok(), good, "{text}");
        }
    }
}
