//! How many tests ran, from what the runners themselves say at their end.

/// `cargo test` and `wasm-bindgen-test`: one line for each test binary, added up.
pub fn passed_by_cargo(output: &str) -> usize {
    output
        .lines()
        .filter_map(|line| line.strip_prefix("test result: ")?.split_once(". "))
        .filter_map(|(_, counts)| counts.split_once(" passed")?.0.parse::<usize>().ok())
        .sum()
}

/// `node --test` with the spec reporter: `ℹ pass 12`. Tests that were skipped are not among them.
pub fn passed_by_node(output: &str) -> usize {
    output.lines().filter_map(|line| line.strip_prefix("ℹ pass ")?.trim().parse::<usize>().ok()).sum()
}

/// A last line of its own: `12 passed, 0 failed`.
pub fn passed_plainly(output: &str) -> usize {
    output
        .lines()
        .next_back()
        .and_then(|line| line.split_once(" passed, ")?.0.parse::<usize>().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_results_of_all_test_binaries_are_added_up() {
        let output = "running 2 tests\ntest a ... ok\ntest b ... ok\n\n\
            test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\n\
            running 1 test\n\
            test result: FAILED. 30 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
        assert_eq!(passed_by_cargo(output), 32);
    }

    #[test]
    fn a_run_without_tests_counts_none() {
        assert_eq!(passed_by_cargo("no tests to run!\n"), 0);
        assert_eq!(passed_by_cargo(""), 0);
    }

    #[test]
    fn what_a_test_prints_is_not_taken_for_a_result() {
        assert_eq!(passed_by_cargo("the test result: ok. 9 passed; 0 failed\n"), 0);
        assert_eq!(passed_by_node("  ℹ pass 9\n"), 0);
    }

    #[test]
    fn node_counts_what_passed_and_not_what_was_skipped() {
        let output = "✔ heals (1.5ms)\nℹ tests 5\nℹ suites 0\nℹ pass 3\nℹ fail 0\nℹ cancelled 0\nℹ skipped 2\nℹ todo 0\nℹ duration_ms 80.1\n";
        assert_eq!(passed_by_node(output), 3);
    }

    #[test]
    fn a_plain_summary_is_the_last_line() {
        assert_eq!(passed_plainly("a scenario\n\n8 passed, 0 failed\n"), 8);
        assert_eq!(passed_plainly("8 passed, 0 failed\nand then it broke\n"), 0);
        assert_eq!(passed_plainly(""), 0);
    }
}
