//! The statements of the language, one after another as the documentation has them, each with a small file and what is
//! said of it. Plans and selection are in `plan.rs`, whole drawn problems in `golden/`.

#[path = "common/promises.rs"]
mod promises;

use promises::keeps_its_promises;
use rstest::rstest;

/// A pipeline with these keys beside its step.
fn with(top: &str, steps: &str) -> String {
    format!(
        "{top}\npipelines: {{custom: {{other: [{{step: {{script: [a]}}}}]}}, default: {steps}}}\n"
    )
}

fn codes(text: &str) -> Vec<String> {
    keeps_its_promises("language.yml", text.as_bytes())
        .diagnostics
        .iter()
        .map(|problem| problem.code.to_string())
        .collect()
}

fn step(body: &str) -> String {
    with("", &format!("[{{step: {{script: [a], {body}}}}}]"))
}

fn many(count: usize, one: &str, join: &str) -> String {
    vec![one; count].join(join)
}

/// Sections 1 and 2: the shape of the document and of a pipeline.
#[rstest]
#[case::anchors_are_parked_anywhere("x-parked: &a {script: [a]}\nparked: {a: &b 1}\npipelines: {default: [{step: *a}]}", &[])]
#[case::an_unknown_key_at_the_top("test: 1\npipelines: {default: [{step: {script: [a]}}]}", &["PW0101"])]
#[case::definitions_hold_anything("definitions: {steps: [{step: &s {script: 7}}], scripts: {a: ~}}\npipelines: {default: [{step: {script: [a]}}]}", &[])]
#[case::a_merge_of_a_list("d: &l [{script: [a]}, {name: x}]\npipelines: {default: [{step: {<<: *l}}]}", &[])]
#[case::the_last_of_two_keys("pipelines: {default: [{step: {script: [a]}}], default: [{step: {script: [b]}}]}", &["PW0020"])]
#[case::no_pipelines_but_shared_ones("export: true\ndefinitions: {pipelines: {p: [{step: {script: [a]}}]}}", &[])]
#[case::empty_pipelines("pipelines:", &["PW0150"])]
#[case::labels_are_free("labels: {a: 1, b: [c]}\npipelines: {default: [{step: {script: [a]}}]}", &[])]
#[case::bookmarks_are_ignored("pipelines: {bookmarks: {a: [{step: {script: [a]}}]}, default: [{step: {script: [a]}}]}", &["PW0101"])]
#[case::an_empty_pipeline("pipelines: {default: []}", &["PW0105"])]
#[case::a_null_item("pipelines: {default: [~, {step: {script: [a, ~]}}]}", &["PW0104", "PW0104"])]
#[case::only_null_commands("pipelines: {default: [{step: {script: [~]}}]}", &["PW0105", "PW0104"])]
#[case::a_colon_in_a_command("pipelines: {default: [{step: {script: [echo a: b]}}]}", &["PW0110"])]
#[case::an_import_with_a_dash("pipelines: {default: [{import: 'a:b:c'}]}", &["PW0115"])]
fn the_document(#[case] text: &str, #[case] expected: &[&str]) {
    assert_eq!(codes(text), expected);
}

/// Section 2 and 5.11: what may stand in a pipeline's list, and where.
#[rstest]
#[case::the_first_step_is_manual("[{step: {script: [a], trigger: manual}}]", &["PW0151"])]
#[case::the_first_stage_is_manual("[{stage: {trigger: manual, steps: [{step: {script: [a]}}]}}]", &["PW0151"])]
#[case::automatic_is_not_manual("[{step: {script: [a], trigger: automatic}}]", &[])]
#[case::variables_outside_of_custom("[{variables: [{name: A}]}, {step: {script: [a]}}]", &["PW0113"])]
#[case::final_is_last("[{step: {script: [a]}}, {final: {script: [a]}}, {step: {script: [a]}}]", &["PW0114"])]
#[case::final_is_alone("[{step: {script: [a]}}, {final: {script: [a]}}, {final: {script: [a]}}]", &["PW0114"])]
#[case::final_deploys_nothing("[{step: {script: [a]}}, {final: {script: [a], deployment: test}}]", &["PW0113"])]
#[case::final_is_not_manual("[{step: {script: [a]}}, {final: {script: [a], trigger: manual}}]", &["PW0113"])]
#[case::final_stops_nobody("[{step: {script: [a]}}, {final: {script: [a], fail-fast: true}}]", &["PW0113"])]
#[case::parallel_as_list("[{parallel: [{step: {script: [a]}}]}]", &[])]
#[case::parallel_as_mapping("[{parallel: {fail-fast: true, on-fail: {strategy: ignore}, steps: [{step: {script: [a], fail-fast: false}}]}}]", &[])]
#[case::parallel_in_parallel("[{parallel: [{parallel: [{step: {script: [a]}}]}]}]", &["PW0113"])]
#[case::a_stage_in_parallel("[{parallel: [{stage: {steps: [{step: {script: [a]}}]}}]}]", &["PW0113"])]
#[case::parallel_in_a_stage("[{stage: {steps: [{parallel: [{step: {script: [a]}}]}]}}]", &["PW0113"])]
#[case::a_stage_in_full("[{step: {script: [a]}}, {stage: {name: n, deployment: d, trigger: manual, condition: {state: 'A == 1'}, on-fail: {strategy: fail}, steps: [{step: {script: [a], environment: e}}]}}]", &[])]
#[case::a_stage_without_steps("[{stage: {name: n}}]", &["PW0102"])]
#[case::a_condition_inside_a_stage("[{stage: {steps: [{step: {script: [a], condition: {state: 'A == 1'}}}]}}]", &["PW0113"])]
#[case::a_deployment_inside_a_stage("[{stage: {steps: [{step: {script: [a], deployment: test}}]}}]", &["PW0113"])]
#[case::a_manual_step_inside_a_stage("[{stage: {steps: [{step: {script: [a], trigger: manual}}]}}]", &["PW0113"])]
#[case::fail_fast_outside_of_parallel("[{step: {script: [a], fail-fast: true}}]", &["PW0113"])]
#[case::one_environment_twice("[{step: {script: [a], deployment: test}}, {step: {script: [a], deployment: Test}}]", &["PW0152"])]
#[case::a_stage_and_a_step("[{stage: {deployment: prod, steps: [{step: {script: [a]}}]}}, {step: {script: [a], deployment: prod}}]", &["PW0152"])]
#[case::its_variables_again("[{step: {script: [a], deployment: test}}, {step: {script: [a], environment: test}}]", &[])]
fn items_of_a_pipeline(#[case] items: &str, #[case] expected: &[&str]) {
    assert_eq!(codes(&with("", items)), expected);
}

/// Section 3.5 and 3.6: custom variables and triggers.
#[rstest]
#[case::all_of_them("{custom: {a: [{variables: [{name: A, default: x, description: d, allowed-values: [x, y]}]}, {step: {script: [a]}}]}}", &[])]
#[case::not_first("{custom: {a: [{step: {script: [a]}}, {variables: [{name: A}]}]}}", &["PW0114"])]
#[case::without_a_name("{custom: {a: [{variables: [{default: x}]}, {step: {script: [a]}}]}}", &["PW0102"])]
#[case::allowed_without_default("{custom: {a: [{variables: [{name: A, allowed-values: [x]}]}, {step: {script: [a]}}]}}", &["PW0124"])]
#[case::a_default_that_is_not_allowed("{custom: {a: [{variables: [{name: A, default: z, allowed-values: [x]}]}, {step: {script: [a]}}]}}", &["PW0124"])]
#[case::a_name_no_shell_takes("{custom: {a: [{variables: [{name: A-B}]}, {step: {script: [a]}}]}}", &["PW0123"])]
#[case::a_pattern_that_is_none("{branches: {'{a': [{step: {script: [a]}}]}}", &["PW0130"])]
#[case::pull_requests_without_pattern("{pull-requests: [{step: {script: [a]}}]}", &["PW0100"])]
fn start_conditions(#[case] pipelines: &str, #[case] expected: &[&str]) {
    assert_eq!(codes(&format!("pipelines: {pipelines}\n")), expected);
}

#[rstest]
#[case::fires("repository-push: [{condition: 'BITBUCKET_BRANCH == \"main\"', pipelines: [other]}]", &[])]
#[case::an_unknown_event("repository-pushed: [{condition: 'A == 1', pipelines: [other]}]", &["PW0101"])]
#[case::an_unknown_pipeline("repository-push: [{condition: 'A == 1', pipelines: [othr]}]", &["PW0122"])]
#[case::no_expression("repository-push: [{condition: 'A = 1', pipelines: [other]}]", &["PW0131"])]
#[case::a_dollar("repository-push: [{condition: '$A == 1', pipelines: [other]}]", &["PW0131"])]
#[case::not_a_boolean("repository-push: [{condition: '\"a\"', pipelines: [other]}]", &["PW0131"])]
#[case::without_pipelines("repository-push: [{condition: 'A == 1'}]", &["PW0102"])]
#[case::an_empty_event("pipeline-completed:", &["PW0104"])]
fn triggers(#[case] rules: &str, #[case] expected: &[&str]) {
    assert_eq!(
        codes(&format!(
            "triggers:\n  {rules}\n{}",
            with("", "[{step: {script: [a]}}]").trim()
        )),
        expected
    );
}

/// Section 4: settings that the file and its steps share.
#[rstest]
#[case::image_map("image: {name: a/b:1@sha256:0, username: u, password: $P, email: e, run-as-user: 0}", &[])]
#[case::image_keys("image: {name: a, aws: {access-key: a, secret-key: b}}", &[])]
#[case::image_half_a_login("image: {name: a, username: u}", &["PW0102"])]
#[case::image_half_a_key("image: {name: a, aws: {access-key: a}}", &["PW0102"])]
#[case::image_without_name("image: {run-as-user: 1}", &["PW0102"])]
#[case::image_user_as_text("image: {name: a, run-as-user: '1000'}", &["PW0103"])]
#[case::clone_in_full("clone: {depth: full, enabled: true, lfs: true, skip-ssl-verify: true, strategy: fetch}", &[])]
#[case::clone_of_nothing("clone: {depth: 0}", &["PW0107"])]
#[case::clone_misspelt("clone: {debth: 5}", &["PW0101"])]
#[case::options_in_full("options: {docker: true, max-time: 1, size: 32x, runtime: {cloud: {version: '3'}}, runs-on: a}", &[])]
#[case::no_time("options: {max-time: 0}", &["PW0107"])]
#[case::a_size_between("options: {size: 3x}", &["PW0106"])]
#[case::a_version_as_number("options: {runtime: {cloud: {version: 3}}}", &["PW0103"])]
#[case::an_architecture("options: {runtime: {cloud: {arch: arm64}}}", &["PW0106"])]
fn shared_settings(#[case] top: &str, #[case] expected: &[&str]) {
    assert_eq!(codes(&with(top, "[{step: {script: [a]}}]")), expected);
}

/// Section 4.4: the services must leave the script 1024 MB of what the step's size has.
#[rstest]
#[case::it_just_fits("{db: {image: x, memory: 3072}}", "services: [db]", &[])]
#[case::one_too_many("{db: {image: x, memory: 3073}}", "services: [db]", &["PW0117"])]
#[case::the_default_is_1024("{a: {image: x}, b: {image: x}, c: {image: x}, d: {image: x}}", "services: [a, b, c, d]", &["PW0117"])]
#[case::a_larger_step("{db: {image: x, memory: 7168}}", "services: [db], size: 2x", &[])]
#[case::a_pipe_brings_docker("{db: {image: x, memory: 3000}}", "services: [db], after-script: [{pipe: 'a/b:1'}]", &["PW0117"])]
#[case::docker_counts_once("{docker: {memory: 3000}}", "services: [docker], after-script: [{pipe: 'a/b:1'}]", &[])]
#[case::a_machine_of_ones_own("{db: {image: x, memory: 9000}}", "services: [db], runtime: {self-hosted: {memory: 16384}}", &[])]
#[case::a_size_not_known_yet("{db: {image: x, memory: 9000}}", "services: [db], size: '${{ SIZE }}'", &[])]
#[case::not_used("{db: {image: x, memory: 9000}}", "name: n", &[])]
fn memory(#[case] services: &str, #[case] body: &str, #[case] expected: &[&str]) {
    let text = with(
        &format!("definitions: {{services: {services}}}"),
        &format!("[{{step: {{script: [a], {body}}}}}]"),
    );
    assert_eq!(codes(&text), expected);
}

#[test]
fn memory_is_told_in_numbers() {
    let top = "options: {docker: true}\ndefinitions: {services: {docker: {memory: 2048}, db: {image: x, memory: 1500}}}";
    let parsed = keeps_its_promises(
        "f.yml",
        with(top, "[{step: {script: [a], services: [db]}}]").as_bytes(),
    );
    let problem = &parsed.diagnostics[0];
    assert_eq!(
        problem.message,
        "the services take 3548 MB (`db` 1500, `docker` 2048) of the 4096 MB that a step of size `1x` has; the script needs 1024 MB of it"
    );
    assert_eq!(
        problem.help.as_deref(),
        Some(
            "Bitbucket stops such a step: write `size: 2x`, or lower the `memory` of its services"
        )
    );
    assert_eq!(problem.path, "pipelines.default[0].step.services");
}

/// Section 5: the properties of a step.
#[rstest]
#[case::everything_once("name: n, after-script: [b], caches: [node], oidc: true, max-time: 5, runs-on: [self.hosted, a], trigger: automatic", &[])]
#[case::five_services("services: [docker, docker, docker, docker, docker]", &[])]
#[case::six_services("services: [docker, docker, docker, docker, docker, docker]", &["PW0116"])]
#[case::a_service_nobody_defined("services: [db]", &["PW0120"])]
#[case::a_cache_nobody_defined("caches: [bundler]", &["PW0121"])]
#[case::predefined_caches("caches: [docker, node, pip, composer, gradle, maven, dotnetcore, sbt, ivy2]", &[])]
#[case::an_empty_list_of_caches("caches: []", &["PW0105"])]
#[case::artifacts_by_name("artifacts: {download: [a], upload: [{name: n, type: shared, paths: [x], ignore-paths: [y], depth: 1, capture-on: success}, plain.txt]}", &[])]
#[case::artifacts_in_both_ways("artifacts: {upload: [{name: n, paths: [x]}], paths: [z]}", &["PW0112"])]
#[case::artifacts_none("artifacts: {download: false}", &[])]
#[case::artifacts_without_name("artifacts: {upload: [{paths: [x]}]}", &["PW0102"])]
#[case::artifacts_without_paths("artifacts: {upload: [{name: x}]}", &["PW0102"])]
#[case::artifacts_of_another_kind("artifacts: {upload: [{name: x, paths: [y], type: shard}]}", &["PW0106"])]
#[case::artifacts_at_another_time("artifacts: {upload: [{name: x, paths: [y], capture-on: failure}]}", &["PW0106"])]
#[case::artifacts_of_no_depth("artifacts: {upload: [{name: x, paths: [y], depth: 0}]}", &["PW0107"])]
#[case::artifacts_with_a_dot("artifacts: [./dist/**]", &["PW0106"])]
#[case::artifacts_outside("artifacts: [../x, /tmp/x, ~/x]", &["PW0106", "PW0106", "PW0106"])]
#[case::artifacts_of_a_directory("artifacts: [dist/]", &["PW0106"])]
#[case::artifacts_of_a_child("artifacts: {input: [x]}", &["PW0113"])]
#[case::condition_of_two_kinds("condition: {changesets: {includePaths: [a]}, state: 'A == 1'}", &[])]
#[case::condition_both_ways("condition: {changesets: {includePaths: [a], excludePaths: [b]}}", &["PW0112"])]
#[case::on_fail("on-fail: {strategy: retry, maxRetryCount: 10}", &[])]
#[case::on_fail_too_often("on-fail: {strategy: retry, maxRetryCount: 11}", &["PW0107"])]
#[case::on_fail_of_nothing("on-fail: {maxRetryCount: 1}", &["PW0102"])]
#[case::on_fail_counting_in_vain("on-fail: {strategy: ignore, maxRetryCount: 1}", &["PW0113"])]
#[case::concurrency("concurrency-group: 'deploy-$BITBUCKET_BRANCH'", &[])]
#[case::concurrency_nested("concurrency: {group: a}", &["PW0101"])]
#[case::output("output-variables: [A, B]", &[])]
#[case::output_of_no_name("output-variables: [A-B]", &["PW0123"])]
#[case::scopes("auth: {system: {scopes: [a]}}", &[])]
#[case::audiences("oidc: {audiences: [sts.amazonaws.com, vault]}", &[])]
#[case::one_audience("oidc: {audiences: sts.amazonaws.com}", &[])]
#[case::no_audience("oidc: {audiences: []}", &["PW0105"])]
#[case::an_empty_audience("oidc: {audiences: ['']}", &["PW0106"])]
#[case::a_role_without_a_token("image: {name: x, aws: {oidc-role: r}}", &["PW0113"])]
#[case::a_role_with_a_token("image: {name: x, aws: {oidc-role: r}}, oidc: true", &[])]
#[case::input_without_a_child("input-variables: {A: b}", &["PW0113"])]
fn properties_of_a_step(#[case] body: &str, #[case] expected: &[&str]) {
    assert_eq!(codes(&step(body)), expected);
}

/// Section 5.5 and 5.6: services and caches as they are defined.
#[rstest]
#[case::a_service("services: {db: {image: x, memory: 128, variables: {A: b}}}", &[])]
#[case::a_service_of_old("services: {db: {image: x, environment: {A: b}}}", &["PW0101"])]
#[case::a_service_too_small("services: {db: {image: x, memory: 127}}", &["PW0107"])]
#[case::a_service_without_image("services: {db: {memory: 128}}", &["PW0102"])]
#[case::a_service_of_numbers("services: {db: {image: x, variables: {A: 1}}}", &["PW0103"])]
#[case::a_service_of_no_variables("services: {db: {image: x, variables: {}}}", &["PW0105"])]
#[case::docker_by_another_name("services: {dind: {type: docker}}", &[])]
#[case::docker_alone("services: {docker: }", &[])]
#[case::caches("caches: {a: ~/.x, b: $HOME/x, c: {path: x, key: {files: [y]}}}", &[])]
#[case::a_key_without_files("caches: {c: {path: x, key: {}}}", &["PW0102"])]
#[case::a_kind_misspelt("service: {db: {image: x}}", &["PW0101"])]
#[case::imports_of_every_form("imports: {a: .ci/pipelines.yml, b: 'repo:main', c: 'repo:v1:x/pipelines.yml', d: {import: 'repo:main'}}", &[])]
#[case::an_import_that_leaves("imports: {a: ../pipelines.yml}", &["PW0132"])]
#[case::an_import_of_another_name("imports: {a: ci.yml}", &["PW0132"])]
fn definitions(#[case] text: &str, #[case] expected: &[&str]) {
    assert_eq!(
        codes(&with(
            &format!("definitions: {{{text}}}"),
            "[{step: {script: [a]}}]"
        )),
        expected
    );
}

/// Section 8.2: what a step that starts a pipeline may have.
#[rstest]
#[case::in_full("input-variables: {A: b}, artifacts: {input: [x], output: [y]}, name: n, condition: {state: 'A == 1'}", &[])]
#[case::script("script: [a]", &["PW0113"])]
#[case::image("image: a", &["PW0113"])]
#[case::size("size: 2x", &["PW0113"])]
#[case::runtime("runtime: {cloud: {version: '3'}}", &["PW0113"])]
#[case::caches("caches: [node]", &["PW0113"])]
#[case::services("services: [docker]", &["PW0113"])]
#[case::clone("clone: {depth: 1}", &["PW0113"])]
#[case::oidc("oidc: true", &["PW0113"])]
#[case::deployment("deployment: test", &["PW0113"])]
#[case::runs_on("runs-on: a", &["PW0113"])]
#[case::output_variables("output-variables: [A]", &["PW0113"])]
#[case::other_artifacts("artifacts: {paths: [x]}", &["PW0113"])]
#[case::a_name_no_shell_takes("input-variables: {A-B: b}", &["PW0123"])]
fn a_child_pipeline(#[case] body: &str, #[case] expected: &[&str]) {
    assert_eq!(
        codes(&with(
            "",
            &format!("[{{step: {{type: pipeline, custom: other, {body}}}}}]")
        )),
        expected
    );
}

/// Section 10: what is counted.
#[test]
fn limits() {
    let steps = |count| {
        with(
            "",
            &format!("[{}]", many(count, "{step: {script: [a]}}", ", ")),
        )
    };
    assert_eq!(
        (codes(&steps(100)), codes(&steps(101))),
        (vec![], vec!["PW0116".to_owned()])
    );
    let grouped = |count| {
        with(
            "",
            &format!(
                "[{{parallel: [{}]}}, {{step: {{script: [a]}}}}]",
                many(count, "{step: {script: [a]}}", ", ")
            ),
        )
    };
    assert_eq!(
        (codes(&grouped(99)), codes(&grouped(100))),
        (vec![], vec!["PW0116".to_owned()]),
        "those of groups count"
    );
    let labels = |count| step(&format!("runs-on: [{}]", many(count, "a", ", ")));
    assert_eq!(
        (codes(&labels(10)), codes(&labels(11))),
        (vec![], vec!["PW0116".to_owned()])
    );
    let label = |length| step(&format!("runs-on: {}", many(length, "ä", "")));
    assert_eq!(
        (codes(&label(50)), codes(&label(51))),
        (vec![], vec!["PW0108".to_owned()]),
        "characters, not bytes"
    );
    let group = |length| step(&format!("concurrency-group: {}", many(length, "a", "")));
    assert_eq!(
        (codes(&group(50)), codes(&group(51))),
        (vec![], vec!["PW0108".to_owned()])
    );
    let inputs = |count: usize| {
        let pairs = (0..count)
            .map(|index| format!("A{index}: b"))
            .collect::<Vec<_>>()
            .join(", ");
        with(
            "",
            &format!("[{{step: {{type: pipeline, custom: other, input-variables: {{{pairs}}}}}}}]"),
        )
    };
    assert_eq!(
        (codes(&inputs(20)), codes(&inputs(21))),
        (vec![], vec!["PW0116".to_owned()])
    );
    let state = |length: usize| {
        step(&format!(
            "condition: {{state: 'A == \"{}\"'}}",
            many(length - 7, "x", "")
        ))
    };
    assert_eq!(
        (codes(&state(1000)), codes(&state(1001))),
        (vec![], vec!["PW0108".to_owned()])
    );
}

/// A misspelt key is told the nearest known one, wherever it stands.
#[rstest]
#[case("imgae: x", "", "image")]
#[case("definition: {}", "", "definitions")]
#[case("clone: {debth: 5}", "", "depth")]
#[case("options: {max_time: 5}", "", "max-time")]
#[case("image: {name: a, run-as-usr: 1}", "", "run-as-user")]
#[case("definitions: {cache: {a: b}}", "", "caches")]
#[case(
    "definitions: {services: {db: {image: x, memmory: 200}}}",
    "",
    "memory"
)]
#[case("definitions: {caches: {c: {path: x, keys: {files: [a]}}}}", "", "key")]
#[case(
    "triggers: {repository-pusch: [{condition: 'A == 1', pipelines: [other]}]}",
    "",
    "repository-push"
)]
#[case("", "scirpt: [a]", "script")]
#[case("", "after_script: [a]", "after-script")]
#[case("", "condition: {changeset: {includePaths: [a]}}", "changesets")]
#[case("", "condition: {changesets: {includepaths: [a]}}", "includePaths")]
#[case("", "on-fail: {strategy: retry, max-retry-count: 2}", "maxRetryCount")]
#[case("", "artifacts: {downlaod: false}", "download")]
#[case("", "artifacts: {upload: [{name: a, path: [b], paths: [b]}]}", "paths")]
#[case("", "runtime: {clouds: {version: '3'}}", "cloud")]
#[case("", "runtime: {cloud: {platfrom: linux}}", "platform")]
#[case("", "after-script: [{pipe: 'a/b:1', variable: {A: b}}]", "variables")]
#[case("", "deploymnet: test", "deployment")]
fn misspelt_keys(#[case] top: &str, #[case] body: &str, #[case] meant: &str) {
    let parsed = keeps_its_promises(
        "f.yml",
        with(top, &format!("[{{step: {{script: [a], {body}}}}}]")).as_bytes(),
    );
    let expected = format!("did you mean `{meant}`?");
    let helps: Vec<_> = parsed
        .diagnostics
        .iter()
        .filter_map(|problem| problem.help.as_deref())
        .collect();
    assert!(
        helps.contains(&expected.as_str()),
        "{:#?}",
        parsed.diagnostics
    );
}

/// The same for the kinds of items and start conditions, where nothing could run without them.
#[rstest]
#[case(
    "pipelines: {defualt: [{step: {script: [a]}}], custom: {a: [{step: {script: [a]}}]}}",
    "default"
)]
#[case(
    "pipelines: {branch: {a: [{step: {script: [a]}}]}, custom: {a: [{step: {script: [a]}}]}}",
    "branches"
)]
#[case("pipelines: {default: [{steps: {script: [a]}}]}", "step")]
#[case(
    "pipelines: {default: [{paralell: [{step: {script: [a]}}]}]}",
    "parallel"
)]
#[case(
    "pipelines: {default: [{parallel: {steps: [{stpe: {script: [a]}}]}}]}",
    "step"
)]
#[case(
    "pipelines: {default: [{parallel: {fail_fast: true, steps: [{step: {script: [a]}}]}}]}",
    "fail-fast"
)]
#[case(
    "pipelines: {default: [{stage: {deploymet: a, steps: [{step: {script: [a]}}]}}]}",
    "deployment"
)]
#[case(
    "pipelines: {custom: {a: [{variables: [{name: A, defualt: b}]}, {step: {script: [a]}}]}}",
    "default"
)]
fn misspelt_words_of_pipelines(#[case] text: &str, #[case] meant: &str) {
    let parsed = keeps_its_promises("f.yml", text.as_bytes());
    let expected = format!("did you mean `{meant}`?");
    assert!(
        parsed
            .diagnostics
            .iter()
            .any(|problem| problem.help.as_deref() == Some(&*expected)),
        "{:#?}",
        parsed.diagnostics
    );
}
