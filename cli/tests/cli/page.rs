//! The page in the program.

use std::fs;

use crate::sandbox::Sandbox;

#[test]
fn the_page_is_written_or_its_absence_is_told() {
    let sandbox = Sandbox::new();
    let run = sandbox.surety("page --out surety.html --json");
    if run.code == 0 {
        let page = fs::read(sandbox.path("surety.html")).unwrap();
        assert_eq!(run.data()["bytes"], page.len());
        sandbox.surety("page --out surety.html").expect(2);
    } else {
        let run = run.expect(5);
        assert!(run.stdout.contains("\"no-page\"") && run.stdout.contains("SURETY_PAGE"), "{}", run.stdout);
        assert!(!sandbox.path("surety.html").exists());
    }
}

#[test]
fn the_help_ends_in_two_examples() {
    let help = Sandbox::new().surety("page --help").expect(0).stdout;
    let examples = help.split_once("Examples:").unwrap().1;
    assert_eq!(
        examples.trim().lines().filter(|line| line.trim().starts_with("surety page --out")).count(),
        2,
        "{help}"
    );
}
