//! Reports as their tools write them, and reports as nobody should.

use std::fmt::Write as _;

use pipewright_core::wire::{TestCase, TestState};
use proptest::prelude::*;

use super::{CAPTURED, DEEPEST, NotRead, parse};

/// Maven Surefire 3 with a rerun that passed.
const SUREFIRE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuite xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="https://maven.apache.org/surefire/maven-surefire-plugin/xsd/surefire-test-report-3.0.xsd" version="3.0" name="com.acme.PriceTest" time="1,204.5" tests="5" errors="1" skipped="1" failures="1">
  <properties><property name="java.version" value="21.0.2"/></properties>
  <testcase name="roundsHalfUp" classname="com.acme.PriceTest" time="0.021"/>
  <testcase name="addsTax" classname="com.acme.PriceTest" time="1,203.2">
    <failure message="expected: &lt;119&gt; but was: &lt;118&gt;" type="org.opentest4j.AssertionFailedError"><![CDATA[org.opentest4j.AssertionFailedError: expected: <119> but was: <118>
	at com.acme.PriceTest.addsTax(PriceTest.java:31)
]]></failure>
    <system-out><![CDATA[tax 19 %
]]></system-out>
  </testcase>
  <testcase name="opensBook" classname="com.acme.PriceTest" time="0.1">
    <error type="java.lang.NullPointerException">java.lang.NullPointerException
	at com.acme.Book.open(Book.java:7)</error>
  </testcase>
  <testcase name="asksBank" classname="com.acme.PriceTest" time="0"><skipped message="no bank here"/></testcase>
  <testcase name="settles" classname="com.acme.PriceTest" time="0.5">
    <flakyFailure message="timed out" type="java.util.concurrent.TimeoutException">
      <stackTrace><![CDATA[java.util.concurrent.TimeoutException: timed out]]></stackTrace>
      <system-out>not the case's own</system-out>
    </flakyFailure>
  </testcase>
</testsuite>"#;

/// pytest 8.
const PYTEST: &str = r#"<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="1" skipped="1" tests="4" time="0.312" timestamp="2026-11-30T10:00:00+00:00" hostname="box"><testcase classname="tests.test_refund" name="test_full[eur]" time="0.002" /><testcase classname="tests.test_refund" name="test_stale" time="0.011"><failure message="assert 200 == 409">def test_stale():
&gt;       assert post() == 409
E       assert 200 == 409

tests/test_refund.py:18: AssertionError</failure></testcase><testcase classname="tests.test_refund" name="test_bank" time="0.000"><skipped type="pytest.skip" message="no bank">/x/tests/test_refund.py:22: no bank</skipped></testcase><testcase classname="" name="tests.test_broken" time="0.000"><error message="collection failure">ImportError while importing test module</error></testcase></testsuite></testsuites>"#;

/// jest-junit 16 as it is where nothing is configured.
const JEST: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="jest tests" tests="2" failures="1" errors="0" time="1.512">
  <testsuite name="cart" errors="0" failures="1" skipped="0" timestamp="2026-11-30T10:00:00" time="0.9" tests="2" file="src/cart.test.ts">
    <testcase classname="cart adds an article" name="cart adds an article" time="0.004">
    </testcase>
    <testcase classname="cart removes one" name="cart removes one" time="0.009">
      <failure>Error: expect(received).toBe(expected) // Object.is equality

Expected: 0
Received: 1
    at Object.&lt;anonymous&gt; (src/cart.test.ts:14:20)</failure>
    </testcase>
  </testsuite>
</testsuites>"#;

/// go-junit-report 2.
const GO: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="3" failures="1" skipped="1">
	<testsuite name="acme.example/refund" tests="3" failures="1" errors="0" id="0" hostname="box" skipped="1" time="0.130" timestamp="2026-11-30T10:00:00Z">
		<testcase name="TestFull" classname="acme.example/refund" time="0.010"></testcase>
		<testcase name="TestStale/eur" classname="acme.example/refund" time="0.120">
			<failure message="Failed"><![CDATA[    refund_test.go:18: got 200, want 409]]></failure>
		</testcase>
		<testcase name="TestBank" classname="acme.example/refund" time="0.000"><skipped message="Skipped"><![CDATA[    refund_test.go:22: no bank]]></skipped></testcase>
		<system-out><![CDATA[of the suite]]></system-out>
	</testsuite>
</testsuites>"#;

/// cargo-nextest 0.9.
const NEXTEST: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="nextest-run" tests="3" failures="1" errors="0" uuid="0" timestamp="2026-11-30T10:00:00.000+00:00" time="1.2">
    <testsuite name="acme::refund" tests="3" disabled="0" errors="0" failures="1">
        <testcase name="full" classname="acme::refund" timestamp="2026-11-30T10:00:00.000+00:00" time="0.012">
        </testcase>
        <testcase name="stale::token" classname="acme::refund" timestamp="2026-11-30T10:00:00.000+00:00" time="0.44">
            <failure message="thread &apos;stale::token&apos; panicked at tests/refund.rs:118:5" type="test failure with exit code 101">thread &apos;stale::token&apos; panicked at tests/refund.rs:118:5:
assertion `left == right` failed</failure>
            <rerunFailure timestamp="2026-11-30T10:00:00.000+00:00" time="0.4" type="test failure"><system-out>an earlier try</system-out></rerunFailure>
            <system-out>running 1 test</system-out>
            <system-err>note: run with `RUST_BACKTRACE=1`</system-err>
        </testcase>
        <testcase name="partial" classname="acme::refund" time="10.8">
            <flakyFailure timestamp="2026-11-30T10:00:00.000+00:00" time="0.2" message="connection reset by peer" type="test failure">os error 104</flakyFailure>
        </testcase>
    </testsuite>
</testsuites>"#;

/// `PHPUnit` 11.
const PHPUNIT: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="/app/phpunit.xml" tests="3" assertions="3" errors="1" failures="1" skipped="0" time="0.008">
    <testsuite name="unit" tests="3" time="0.008">
      <testsuite name="Tests\RefundTest" file="/app/tests/RefundTest.php" tests="3" time="0.008">
        <testcase name="testFull" file="/app/tests/RefundTest.php" line="12" class="Tests\RefundTest" classname="Tests.RefundTest" assertions="1" time="0.001"/>
        <testcase name="testStale" file="/app/tests/RefundTest.php" line="18" class="Tests\RefundTest" classname="Tests.RefundTest" assertions="1" time="0.002">
          <failure type="PHPUnit\Framework\ExpectationFailedException">Tests\RefundTest::testStale
Failed asserting that 200 matches expected 409.

/app/tests/RefundTest.php:20</failure>
        </testcase>
        <testsuite name="Tests\RefundTest::testEach" tests="1">
          <testcase name="testEach with data set #0" class="Tests\RefundTest" classname="Tests.RefundTest" file="/app/tests/RefundTest.php" line="25" time="0.005"><error type="Error">Error: no such method</error></testcase>
        </testsuite>
      </testsuite>
    </testsuite>
  </testsuite>
</testsuites>"#;

/// What a case is, in a line.
fn said(case: &TestCase) -> String {
    let mut line = format!(
        "{} | {} | {}{} {} ms",
        case.suite,
        case.name,
        case.state.as_str(),
        if case.is_flaky { ", flaky" } else { "" },
        case.micros / 1000
    );
    if let Some(file) = &case.file {
        write!(line, " | {file}:{}", case.line.unwrap_or(0)).expect("a string");
    }
    if !case.message.is_empty() {
        write!(line, " | {}", case.message).expect("a string");
    }
    line
}

#[test]
fn what_tools_write_is_read_alike() {
    for (text, expected) in [
        (
            SUREFIRE,
            &[
                "com.acme.PriceTest | roundsHalfUp | passed 21 ms",
                "com.acme.PriceTest | addsTax | failed 1203200 ms | expected: <119> but was: <118>",
                "com.acme.PriceTest | opensBook | errored 100 ms | java.lang.NullPointerException",
                "com.acme.PriceTest | asksBank | skipped 0 ms | no bank here",
                "com.acme.PriceTest | settles | passed, flaky 500 ms | timed out",
            ][..],
        ),
        (
            PYTEST,
            &[
                "tests.test_refund | test_full[eur] | passed 2 ms",
                "tests.test_refund | test_stale | failed 11 ms | assert 200 == 409",
                "tests.test_refund | test_bank | skipped 0 ms | no bank",
                "pytest | tests.test_broken | errored 0 ms | collection failure",
            ],
        ),
        (
            JEST,
            &[
                "cart adds an article | cart adds an article | passed 4 ms | src/cart.test.ts:0",
                "cart removes one | cart removes one | failed 9 ms | src/cart.test.ts:0 | Error: expect(received).toBe(expected) // Object.is equality",
            ],
        ),
        (
            GO,
            &[
                "acme.example/refund | TestFull | passed 10 ms",
                "acme.example/refund | TestStale/eur | failed 120 ms | Failed",
                "acme.example/refund | TestBank | skipped 0 ms | Skipped",
            ],
        ),
        (
            NEXTEST,
            &[
                "acme::refund | full | passed 12 ms",
                "acme::refund | stale::token | failed 440 ms | thread 'stale::token' panicked at tests/refund.rs:118:5",
                "acme::refund | partial | passed, flaky 10800 ms | connection reset by peer",
            ],
        ),
        (
            PHPUNIT,
            &[
                "Tests.RefundTest | testFull | passed 1 ms | /app/tests/RefundTest.php:12",
                "Tests.RefundTest | testStale | failed 2 ms | /app/tests/RefundTest.php:18 | PHPUnit\\Framework\\ExpectationFailedException",
                "Tests.RefundTest | testEach with data set #0 | errored 5 ms | /app/tests/RefundTest.php:25 | Error",
            ],
        ),
    ] {
        let cases = parse(text.as_bytes()).expect("is a report");
        let lines: Vec<_> = cases.iter().map(said).collect();
        assert_eq!(lines, expected);
    }
}

#[test]
fn a_failure_keeps_where_it_failed_and_what_it_printed() {
    let of = |text: &str, name: &str| {
        let cases = parse(text.as_bytes()).expect("is a report");
        let found = cases.into_iter().find(|case| case.name == name);
        found.expect("the case").output
    };
    assert_eq!(
        of(SUREFIRE, "addsTax"),
        "org.opentest4j.AssertionFailedError: expected: <119> but was: <118>\n\tat com.acme.PriceTest.addsTax(PriceTest.java:31)\n\ntax 19 %"
    );
    assert_eq!(
        of(SUREFIRE, "settles").trim(),
        "java.util.concurrent.TimeoutException: timed out"
    );
    assert_eq!(
        of(NEXTEST, "stale::token"),
        "thread 'stale::token' panicked at tests/refund.rs:118:5:\nassertion `left == right` failed\n\nrunning 1 test\nnote: run with `RUST_BACKTRACE=1`"
    );
    assert_eq!(of(GO, "TestFull"), "");
    assert!(!of(GO, "TestStale/eur").contains("of the suite"));
}

#[test]
fn odd_reports_are_read_as_they_are_meant() {
    for (text, expected) in [
        ("<testsuites/>", &[][..]),
        ("<testsuite name='s'/>", &[]),
        // A suite that broke before its first case.
        (
            "<testsuite name='s'><error message='no database'/></testsuite>",
            &["s | s | errored 0 ms | no database"],
        ),
        // GoogleTest's way to say that a case was not run.
        (
            "<testsuite name='s'><testcase name='n' status='notrun' result='suppressed'/></testsuite>",
            &["s | n | skipped 0 ms"],
        ),
        // Skipped and failed is failed, in whatever order.
        (
            "<testsuite><testcase><skipped/><failure/></testcase><testcase><error/><failure/><skipped/></testcase></testsuite>",
            &[" | (no name) | failed 0 ms", " | (no name) | errored 0 ms"],
        ),
        // Times that are none, endless, in another language, before the beginning.
        (
            "<testsuite><testcase name='a' time='soon'/><testcase name='b' time='inf'/><testcase name='c' time='-4'/><testcase name='d' time='1e300'/></testsuite>",
            &[
                " | a | passed 0 ms",
                " | b | passed 0 ms",
                " | c | passed 0 ms",
                " | d | passed 2592000000 ms",
            ],
        ),
        // Entities that nobody declared stay as they are, and so does what should have been escaped.
        (
            "<testsuite><testcase name='&lol; a & b &#65;&#x42;'><failure>&lol;&amp;&#67; a & b</failure></testcase></testsuite>",
            &[" | &lol; a & b &#65;&#x42; | failed 0 ms | &lol;&C a & b"],
        ),
        // Prefixes, attributes twice, and elements that nobody knows.
        (
            "<j:testsuite xmlns:j='x' name='s'><j:testcase name='n' name='m'><new><failure/></new></j:testcase></j:testsuite>",
            &["s | n | passed 0 ms"],
        ),
    ] {
        let cases = parse(text.as_bytes()).expect(text);
        let lines: Vec<_> = cases.iter().map(said).collect();
        assert_eq!(lines, expected, "{text}");
    }
}

#[test]
fn what_is_no_report_says_why() {
    let deep = "<testsuite>".repeat(DEEPEST + 1);
    for (text, expected) in [
        ("", "is empty"),
        (" \n\t ", "is empty"),
        ("PASS", "is no JUnit report: it is not XML"),
        ("<?xml version='1.0'?>", "is no JUnit report: it is not XML"),
        ("<coverage/>", "is no JUnit report: its root is <coverage>"),
        (
            "<testsuite>\n<testcase>\n",
            "ends in line 2 inside <testcase>",
        ),
        (
            "<testsuite>\n<testcase name='x",
            "ends in line 2 inside <testsuite>",
        ),
        (
            "<testsuite>\n<testcase><failure><![CDATA[ cut",
            "ends in line 2 inside <failure>",
        ),
        (
            "<!DOCTYPE testsuite [<!ENTITY a 'x'><!ENTITY b '&a;&a;&a;'>]><testsuite name='&b;'/>",
            "has a document type (<!DOCTYPE>), which is not accepted",
        ),
        (
            "<!DOCTYPE testsuite SYSTEM 'file:///etc/passwd'><testsuite/>",
            "has a document type (<!DOCTYPE>), which is not accepted",
        ),
        (&deep, "is nested more than 64 elements deep"),
    ] {
        let refused = parse(text.as_bytes()).expect_err(text);
        assert_eq!(refused.to_string(), expected, "{text}");
    }
    assert!(matches!(
        parse(b"<testsuite>\n</testcase>").expect_err("ends what is not open"),
        NotRead::Broken { line: 2, .. }
    ));
}

#[test]
fn much_of_anything_is_cut_or_refused() {
    let long = "x".repeat(3 * CAPTURED);
    let text = format!(
        "<testsuite><testcase name='{long}'><failure message='{long}'>{long}</failure><system-out>{long}</system-out></testcase></testsuite>"
    );
    let case = parse(text.as_bytes()).expect("is a report").remove(0);
    for kept in [&case.name, &case.message, &case.output] {
        assert_eq!(kept.len(), CAPTURED);
    }
    let many = format!("<testsuite>{}", "<testcase/>".repeat(100_001));
    assert_eq!(parse(many.as_bytes()), Err(NotRead::TooMany));
}

/// Pieces of reports, put together as nobody would.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "<testsuites>",
        "</testsuites>",
        "<testsuite name='s'>",
        "</testsuite>",
        "<testcase name='n' time='1'>",
        "<testcase/>",
        "</testcase>",
        "<failure message='&#0;&#x110000;&#xd800;'>",
        "</failure>",
        "<error/>",
        "<skipped/>",
        "<system-out>",
        "</system-out>",
        "<flakyFailure><stackTrace>",
        "<![CDATA[",
        "]]>",
        "<!--",
        "-->",
        "&amp;",
        "&",
        "&#",
        "ü\u{0}",
        "<?",
        "<!",
        "'",
        ">",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn no_pieces_panic(text in pieces(), cut in 0_usize..400) {
        let bytes = &text.as_bytes()[..cut.min(text.len())];
        if let Ok(cases) = parse(bytes) {
            prop_assert!(cases.iter().all(|case| case.state != TestState::Skipped || !case.state.is_failure()));
        }
    }

    #[test]
    fn a_cut_report_is_never_taken_for_a_whole_one(cut in 60_usize..1000) {
        prop_assert!(parse(&NEXTEST.as_bytes()[..cut]).is_err());
    }
}
