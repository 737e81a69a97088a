"""k8s/: resources, autoscaling and rollouts."""

from __future__ import annotations

from tests.deployment.manifests import containers, quantity, render


def test_requests_are_within_limits_and_everything_has_both(rendered):
    for item in rendered.workloads():
        for container in containers(item["spec"]["template"]["spec"]):
            requests, limits = container["resources"]["requests"], container["resources"]["limits"]
            assert set(requests) == set(limits) >= {"cpu", "memory"}
            for name, value in requests.items():
                assert 0 < quantity(value) <= quantity(limits[name]), (container["name"], name)


def test_production_asks_for_2_cpus_and_4_gib_and_takes_at_most_twice_that():
    app = render("").app()
    assert app["resources"] == {
        "requests": {"cpu": "2", "memory": "4Gi"},
        "limits": {"cpu": "4", "memory": "8Gi"},
    }


def test_the_autoscaler_keeps_2_to_10_pods_at_70_percent():
    spec = render("").get("HorizontalPodAutoscaler", "sam-app-hpa")["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 10)
    (metric,) = spec["metrics"]
    assert metric["resource"] == {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}


def test_the_autoscaler_alone_sets_the_number_of_pods(rendered):
    for scaler in rendered.of("HorizontalPodAutoscaler"):
        target = rendered.get(
            scaler["spec"]["scaleTargetRef"]["kind"], scaler["spec"]["scaleTargetRef"]["name"]
        )
        assert "replicas" not in target["spec"]
        assert 1 <= scaler["spec"]["minReplicas"] < scaler["spec"]["maxReplicas"]


def test_worker_threads_fill_the_cpu_limit(rendered):
    app = rendered.app()
    settings = rendered.settings()
    cpus = quantity(app["resources"]["limits"]["cpu"])
    assert int(settings["WORKERS"]) * int(settings["OMP_NUM_THREADS"]) == cpus
    assert settings["MKL_NUM_THREADS"] == settings["OMP_NUM_THREADS"]


def test_neither_a_rollout_nor_a_drained_node_takes_all_pods(rendered):
    least = rendered.get("HorizontalPodAutoscaler", "sam-app-hpa")["spec"]["minReplicas"]
    rollout = rendered.get("Deployment", "sam-app")["spec"]["strategy"]["rollingUpdate"]
    assert rollout["maxUnavailable"] < least
    assert rollout["maxUnavailable"] + rollout["maxSurge"] == 1
    for budget in rendered.of("PodDisruptionBudget"):
        assert budget["spec"]["maxUnavailable"] == 1


def test_the_gpu_overlay_gives_each_pod_one_gpu_and_needs_no_spare_one():
    gpu = render("overlays/gpu")
    pod = gpu.pod("sam-app")
    (app,) = pod["containers"]
    assert (
        app["resources"]["limits"]["nvidia.com/gpu"] == app["resources"]["requests"]["nvidia.com/gpu"] == "1"
    )
    assert {item["image"].rpartition("-")[2] for item in containers(pod)} == {"cuda"}
    assert gpu.settings()["DEVICE"] == "cuda"
    assert gpu.settings()["WORKERS"] == "1"
    assert pod["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    assert gpu.get("Deployment", "sam-app")["spec"]["strategy"]["rollingUpdate"]["maxSurge"] == 0
