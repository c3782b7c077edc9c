//! `pipewright run`: what the tests of a step said.

use crate::checkout::Checkout;

const FILE: &str = "
pipelines:
  default:
    - step:
        name: Unit
        script:
          - mkdir test-results
          - cp report.xml test-results/
          - exit 1
";

const REPORT: &str = "<testsuite name='cart'><testcase name='adds' time='0.5'/><testcase name='removes' file='cart.py' line='3' time='0.25'>\
    <failure message='expected 1, got 2'>left: 1</failure></testcase><testcase name='clears'><skipped/></testcase></testsuite>";

#[test]
fn what_tests_said_closes_the_run_as_text_and_as_json() {
    let checkout = Checkout::new(FILE);
    checkout.write("report.xml", REPORT);
    let ended = checkout.pipewright(&["run", "--dirty"]).expect(1);
    for words in [
        "Tests: 3 in 1 file, 1 passed, 1 failed, 1 skipped\n",
        "failed  cart removes: expected 1, got 2\n",
    ] {
        assert!(ended.out.contains(words), "{words}: {}", ended.out);
    }
    let ended = checkout.pipewright(&["run", "--dirty", "--json"]).expect(1);
    let said: serde_json::Value = serde_json::from_str(&ended.out).expect("one object");
    let tests = &said["steps"][0]["tests"];
    assert_eq!(tests["failures"][0]["name"], "removes");
    assert_eq!(tests["failures"][0]["line"], 3);
    assert_eq!(said["tests"]["total"], 3);
    assert_eq!(said["tests"]["failed"], 1);
    assert_eq!(said["tests"]["seconds"], 0.75);
    checkout.assert_tidy();
}

#[test]
fn a_run_without_reports_says_nothing_of_tests() {
    let checkout = Checkout::new("pipelines:\n  default:\n    - step: {script: [true]}\n");
    let ended = checkout.pipewright(&["run", "--json"]).expect(0);
    let said: serde_json::Value = serde_json::from_str(&ended.out).expect("one object");
    assert!(said["tests"].is_null() && said["steps"][0]["tests"].is_null());
}
