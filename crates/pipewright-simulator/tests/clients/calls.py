"""What people's scripts do, with the clients they use. Arguments: which client, address, user name, secret."""

import sys

which, address, user, secret = sys.argv[1:5]


def stashy_calls():
    import stashy

    for stash in (stashy.connect(address, user, secret), stashy.client.Stash(address, token=secret)):
        assert "FIN" in [project["key"] for project in stash.projects.list()]
    repository = stash.projects["FIN"].repos["ledger"]
    assert repository.get()["slug"] == "ledger"
    assert "main" in [branch["displayId"] for branch in repository.branches()]
    assert list(repository.commits("main"))
    opened = repository.pull_requests.create("By stashy", "stashy", "main", description="x")
    number = opened["id"]
    request = repository.pull_requests[number]
    changed = request.update(opened["version"], title="Again by stashy", toRef="refs/heads/release")
    assert changed["toRef"]["displayId"] == "release", changed["toRef"]
    assert request.comment("Nice.")
    assert request.can_merge()
    merged = request.merge(version=request.get()["version"])
    assert merged["state"] == "MERGED", merged["state"]
    other = repository.pull_requests.create("Not this", "other", "main")
    assert repository.pull_requests[other["id"]].decline(version=other["version"])
    try:
        repository.pull_requests[9999].get()
    except stashy.errors.NotFoundException as error:
        assert "9999" in str(error), error
    else:
        raise AssertionError("there is no such pull request")
    assert list(repository.pull_requests.all()) == []


def data_center_calls():
    from atlassian import Bitbucket

    bitbucket = Bitbucket(url=address, token=secret)
    assert "FIN" in [project["key"] for project in bitbucket.project_list()]
    assert "ledger" in [repository["slug"] for repository in bitbucket.repo_list("FIN")]
    assert "main" in [branch["displayId"] for branch in bitbucket.get_branches("FIN", "ledger")]
    commit = next(iter(bitbucket.get_commits("FIN", "ledger")))
    assert len(commit["id"]) == 40
    opened = bitbucket.create_pull_request(
        "FIN",
        "ledger",
        {
            "title": "By atlassian-python-api",
            "fromRef": {"id": "refs/heads/python"},
            "toRef": {"id": "refs/heads/main"},
        },
    )
    number = opened["id"]
    assert bitbucket.add_pull_request_comment("FIN", "ledger", number, "Nice.")["text"] == "Nice."
    assert bitbucket.is_pull_request_can_be_merged("FIN", "ledger", number)["canMerge"]
    merged = bitbucket.merge_pull_request("FIN", "ledger", number, "merged", pr_version=opened["version"])
    assert merged["state"] == "MERGED", merged
    other = bitbucket.create_pull_request(
        "FIN",
        "ledger",
        {"title": "Not this", "fromRef": {"id": "refs/heads/python-other"}, "toRef": {"id": "refs/heads/main"}},
    )
    declined = bitbucket.decline_pull_request("FIN", "ledger", other["id"], other["version"])
    assert declined["state"] == "DECLINED", declined


def cloud_calls():
    from atlassian.bitbucket import Cloud

    cloud = Cloud(url=address, token=secret)
    workspace = cloud.workspaces.get("harbor")
    assert workspace.slug == "harbor"
    repository = workspace.repositories.get("checkout-api")
    assert "checkout-api" in [one.slug for one in workspace.repositories.each()]
    assert "main" in [branch.name for branch in repository.branches.each()]
    opened = repository.pullrequests.create("By atlassian-python-api", "python", "main", "x")
    assert opened.is_open
    opened.comment("Nice.")
    assert [comment.raw for comment in opened.comments()] == ["Nice."]
    opened.merge()
    assert repository.pullrequests.get(opened.id).is_merged
    other = repository.pullrequests.create("Not this", "python-other", "main")
    other.decline()
    assert repository.pullrequests.get(other.id).is_declined
    assert [one.id for one in repository.pullrequests.each()] == []


{"stashy": stashy_calls, "datacenter": data_center_calls, "cloud": cloud_calls}[which]()
print("done")
