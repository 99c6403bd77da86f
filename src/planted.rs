//! Bugs planted on purpose, each an arm of the code with a name: `late && !planted!("late_suspicion")`. `tests/model/PLANTED.md`
//! lists them, and `cargo xtask planted` has the model of the world find each. In one build, that with `--cfg planted`, the
//! environment's variable `PLANTED` names the one that is planted; in any other `planted!` is `false`, and there are no arms.

#[cfg(planted)]
macro_rules! planted {
    ($name:literal) => {
        $crate::planted::is($name)
    };
}

#[cfg(not(planted))]
macro_rules! planted {
    ($name:literal) => {
        false
    };
}

/// Whether the bug of this name is planted.
#[cfg(planted)]
pub fn is(name: &str) -> bool {
    static PLANTED: std::sync::LazyLock<Option<String>> = std::sync::LazyLock::new(|| std::env::var("PLANTED").ok());
    PLANTED.as_deref() == Some(name)
}
