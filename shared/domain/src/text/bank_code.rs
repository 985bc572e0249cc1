//! Which bank an account is at.

use std::str::FromStr;

use super::text_of;
use crate::validation::Invalid;

/// The two characters that name a bank or a broker at Toss, such as `88` or `SA`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankCode(String);

impl BankCode {
    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

sent!(BankCode, text_of(2, 2).pattern(Some("^[0-9A-Z]{2}$")));

impl FromStr for BankCode {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()) {
            return Ok(Self(text.to_owned()));
        }
        Err(Invalid::new(
            "NOT_A_BANK_CODE",
            "은행 코드는 숫자나 영문 대문자 2자리여야 합니다.",
            "must be two digits or capital letters",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bank_code_is_two_digits_or_capitals() {
        for (text, good) in
            [("88", true), ("SA", true), ("S", false), ("888", false), ("sa", false), ("신", false), ("", false)]
        {
            assert_eq!(text.parse::<BankCode>().is_ok(), good, "{text}");
        }
        assert_eq!("88".parse::<BankCode>().unwrap().as_str(), "88");
    }
}
