use std::collections::BTreeMap;

use serde::Serialize;

use super::*;
use crate::log_processor::fixtures::{local_api, observed, processor};
use crate::log_processor::observe::{LocalApi, Observed};
use crate::log_processor::validate::validate;

fn validated(spec: &str) -> Validated {
    validate(&processor(spec), &observed(), &local_api()).unwrap()
}

fn least() -> Validated {
    validated("{engineRef: {name: main, namespace: crowdsec}}")
}

fn yaml<T: Serialize>(objects: &[T]) -> String {
    let texts: Vec<String> = objects
        .iter()
        .map(|object| golang::yaml::to_string(object).unwrap())
        .collect();
    texts.join("---\n")
}

fn daemon_set_of(validated: &Validated) -> String {
    let files = config_map::files(validated).unwrap();
    yaml(&[daemon_set::build(validated, &files, "mark")])
}

#[test]
fn the_objects_are_applied_in_an_order_in_which_each_finds_what_it_needs() {
    let titles: Vec<String> = build(&least(), "mark")
        .unwrap()
        .iter()
        .map(Desired::title)
        .collect();
    insta::assert_snapshot!(titles.join("\n"), @r"
    ServiceAccount watch/nodes-agent
    Role watch/nodes-agent
    Role traefik/watch-nodes-759b41a1-agent
    RoleBinding watch/nodes-agent
    RoleBinding traefik/watch-nodes-759b41a1-agent
    NetworkPolicy watch/nodes-agent
    ConfigMap watch/nodes-agent
    ConfigMap watch/nodes-agent-targets
    DaemonSet watch/nodes-agent
    PodMonitor watch/nodes-agent
    ");
}

#[expect(clippy::too_many_lines, reason = "the whole object is shown")]
#[test]
fn agents_are_root_without_any_capability_and_write_to_their_state_alone() {
    insta::assert_snapshot!(daemon_set_of(&least()), @r"
    apiVersion: apps/v1
    kind: DaemonSet
    metadata:
      annotations:
        crowdsec-operator.dev/owner: LogProcessor/watch/nodes
      labels:
        app.kubernetes.io/component: agent
        app.kubernetes.io/instance: nodes
        app.kubernetes.io/managed-by: crowdsec-operator
        app.kubernetes.io/name: crowdsec
        crowdsec-operator.dev/owner-uid: '11111111-2222'
      name: nodes-agent
      namespace: watch
      ownerReferences:
        - apiVersion: crowdsec-operator.dev/v1alpha1
          blockOwnerDeletion: true
          controller: true
          kind: LogProcessor
          name: nodes
          uid: '11111111-2222'
    spec:
      selector:
        matchLabels:
          app.kubernetes.io/component: agent
          app.kubernetes.io/instance: nodes
          app.kubernetes.io/name: crowdsec
      template:
        metadata:
          annotations:
            crowdsec-operator.dev/config-hash: 461ef248a8147b1e
          labels:
            app.kubernetes.io/component: agent
            app.kubernetes.io/instance: nodes
            app.kubernetes.io/name: crowdsec
        spec:
          automountServiceAccountToken: true
          containers:
            - command:
                - /usr/local/bin/crowdsec
                - '-c'
                - /etc/crowdsec/config.yaml
                - '-no-api'
              env:
                - name: NODE_NAME
                  valueFrom:
                    fieldRef:
                      fieldPath: spec.nodeName
                - name: POD_NAME
                  valueFrom:
                    fieldRef:
                      fieldPath: metadata.name
                - name: POD_NAMESPACE
                  valueFrom:
                    fieldRef:
                      fieldPath: metadata.namespace
                - name: CROWDSEC_DEBUG
                  value: 'off'
              image: 'registry.example/crowdsec:1'
              livenessProbe:
                failureThreshold: 6
                httpGet:
                  path: /livez
                  port: metrics
                periodSeconds: 10
              name: crowdsec
              ports:
                - containerPort: 6060
                  name: metrics
                  protocol: TCP
              readinessProbe:
                httpGet:
                  path: /readyz
                  port: metrics
                periodSeconds: 5
              resources:
                requests:
                  cpu: 10m
                  memory: 64Mi
              securityContext:
                allowPrivilegeEscalation: false
                capabilities:
                  drop:
                    - ALL
                privileged: false
                readOnlyRootFilesystem: true
              startupProbe:
                failureThreshold: 300
                httpGet:
                  path: /livez
                  port: metrics
                periodSeconds: 2
              volumeMounts:
                - mountPath: /etc/crowdsec
                  name: config
                  readOnly: true
                - mountPath: /var/lib/crowdsec/hub
                  name: hub
                - mountPath: /var/lib/crowdsec/data
                  name: data
                - mountPath: /run/secrets/machine
                  name: machine
                  readOnly: true
                - mountPath: /var/log
                  name: logs
                  readOnly: true
                - mountPath: /tmp
                  name: tmp
          enableServiceLinks: false
          initContainers:
            - command:
                - /usr/local/bin/cscli
                - '-c'
                - /etc/crowdsec/config.yaml
                - collections
                - install
                - starter/kubernetes
              image: 'registry.example/crowdsec:1'
              name: hub-collections
              resources:
                requests:
                  cpu: 10m
                  memory: 64Mi
              securityContext:
                allowPrivilegeEscalation: false
                capabilities:
                  drop:
                    - ALL
                privileged: false
                readOnlyRootFilesystem: true
              volumeMounts:
                - mountPath: /etc/crowdsec
                  name: config
                  readOnly: true
                - mountPath: /var/lib/crowdsec/hub
                  name: hub
                - mountPath: /var/lib/crowdsec/data
                  name: data
                - mountPath: /tmp
                  name: tmp
          securityContext:
            runAsGroup: 0
            runAsUser: 0
            seccompProfile:
              type: RuntimeDefault
            supplementalGroups:
              - 4
          serviceAccountName: nodes-agent
          tolerations:
            - operator: Exists
          volumes:
            - configMap:
                name: nodes-agent
              name: config
            - emptyDir: {}
              name: hub
            - hostPath:
                path: /var/lib/crowdsec-operator/watch/nodes
                type: DirectoryOrCreate
              name: data
            - name: machine
              secret:
                defaultMode: 256
                secretName: nodes-agent
            - hostPath:
                path: /var/log
              name: logs
            - emptyDir: {}
              name: tmp
    ");
}

#[test]
fn an_agent_is_configured_by_files_that_it_can_read() {
    let config = config_map::config(&least(), &config_map::files(&least()).unwrap());
    insta::assert_snapshot!(yaml(&[config]), @r"
    apiVersion: v1
    kind: ConfigMap
    data:
      acquis.yaml: |
        source: pods
        config_map: nodes-agent-targets
        namespace: watch
        root: /var/log/pods
        ---
        source: file
        labels:
          type: syslog
        filenames:
          - /var/log/auth.log
          - /var/log/secure
        force_inotify: true
      config.yaml: |
        common:
          log_media: stdout
          log_level: info
        prometheus:
          enabled: true
          level: full
          listen_addr: '::'
          listen_port: 6060
        crowdsec_service:
          acquisition_path: /etc/crowdsec/acquis.yaml
        api:
          client:
            credentials_path: /etc/crowdsec/local_api_credentials.yaml
          server:
            enable: false
        config_paths:
          config_dir: /var/lib/crowdsec/hub
          data_dir: /var/lib/crowdsec/data
          simulation_path: /etc/crowdsec/simulation.yaml
      local_api_credentials.yaml: |
        url: 'http://main-lapi.crowdsec.svc:8080/'
        login: 'watch:nodes:${NODE_NAME}'
        password_key_path: /run/secrets/machine/machine-key
      simulation.yaml: |
        simulation: false
    metadata:
      annotations:
        crowdsec-operator.dev/owner: LogProcessor/watch/nodes
      labels:
        app.kubernetes.io/component: agent
        app.kubernetes.io/instance: nodes
        app.kubernetes.io/managed-by: crowdsec-operator
        app.kubernetes.io/name: crowdsec
        crowdsec-operator.dev/owner-uid: '11111111-2222'
      name: nodes-agent
      namespace: watch
      ownerReferences:
        - apiVersion: crowdsec-operator.dev/v1alpha1
          blockOwnerDeletion: true
          controller: true
          kind: LogProcessor
          name: nodes
          uid: '11111111-2222'
    ");
}

#[test]
fn targets_stand_in_a_file_of_their_own() {
    insta::assert_snapshot!(yaml(&[config_map::targets(&least()).unwrap()]), @r"
    apiVersion: v1
    kind: ConfigMap
    data:
      targets.yaml: |
        targets:
          - name: edge
            namespace: traefik
            selector:
              matchLabels:
                app.kubernetes.io/name: traefik
            labels:
              type: traefik
            format: auto
    metadata:
      annotations:
        crowdsec-operator.dev/owner: LogProcessor/watch/nodes
      labels:
        app.kubernetes.io/component: agent
        app.kubernetes.io/instance: nodes
        app.kubernetes.io/managed-by: crowdsec-operator
        app.kubernetes.io/name: crowdsec
        crowdsec-operator.dev/owner-uid: '11111111-2222'
      name: nodes-agent-targets
      namespace: watch
      ownerReferences:
        - apiVersion: crowdsec-operator.dev/v1alpha1
          blockOwnerDeletion: true
          controller: true
          kind: LogProcessor
          name: nodes
          uid: '11111111-2222'
    ");
}

#[expect(clippy::too_many_lines, reason = "the whole object is shown")]
#[test]
fn agents_may_read_their_targets_and_pods_where_an_acquisition_is_accepted() {
    insta::assert_snapshot!(yaml(&rbac::roles(&least())), @r"
    apiVersion: rbac.authorization.k8s.io/v1
    kind: Role
    metadata:
      annotations:
        crowdsec-operator.dev/owner: LogProcessor/watch/nodes
      labels:
        app.kubernetes.io/component: agent
        app.kubernetes.io/instance: nodes
        app.kubernetes.io/managed-by: crowdsec-operator
        app.kubernetes.io/name: crowdsec
        crowdsec-operator.dev/owner-uid: '11111111-2222'
      name: nodes-agent
      namespace: watch
      ownerReferences:
        - apiVersion: crowdsec-operator.dev/v1alpha1
          blockOwnerDeletion: true
          controller: true
          kind: LogProcessor
          name: nodes
          uid: '11111111-2222'
    rules:
      - apiGroups:
          - ''
        resourceNames:
          - nodes-agent-targets
        resources:
          - configmaps
        verbs:
          - get
          - list
          - watch
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: Role
    metadata:
      annotations:
        crowdsec-operator.dev/owner: LogProcessor/watch/nodes
      labels:
        app.kubernetes.io/component: agent
        app.kubernetes.io/instance: nodes
        app.kubernetes.io/managed-by: crowdsec-operator
        app.kubernetes.io/name: crowdsec
        crowdsec-operator.dev/owner-uid: '11111111-2222'
      name: watch-nodes-759b41a1-agent
      namespace: traefik
    rules:
      - apiGroups:
          - ''
        resources:
          - pods
        verbs:
          - get
          - list
          - watch
    ");
    insta::assert_snapshot!(yaml(&rbac::bindings(&least())), @r"
    apiVersion: rbac.authorization.k8s.io/v1
    kind: RoleBinding
    metadata:
      annotations:
        crowdsec-operator.dev/owner: LogProcessor/watch/nodes
      labels:
        app.kubernetes.io/component: agent
        app.kubernetes.io/instance: nodes
        app.kubernetes.io/managed-by: crowdsec-operator
        app.kubernetes.io/name: crowdsec
        crowdsec-operator.dev/owner-uid: '11111111-2222'
      name: nodes-agent
      namespace: watch
      ownerReferences:
        - apiVersion: crowdsec-operator.dev/v1alpha1
          blockOwnerDeletion: true
          controller: true
          kind: LogProcessor
          name: nodes
          uid: '11111111-2222'
    roleRef:
      apiGroup: rbac.authorization.k8s.io
      kind: Role
      name: nodes-agent
    subjects:
      - kind: ServiceAccount
        name: nodes-agent
        namespace: watch
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: RoleBinding
    metadata:
      annotations:
        crowdsec-operator.dev/owner: LogProcessor/watch/nodes
      labels:
        app.kubernetes.io/component: agent
        app.kubernetes.io/instance: nodes
        app.kubernetes.io/managed-by: crowdsec-operator
        app.kubernetes.io/name: crowdsec
        crowdsec-operator.dev/owner-uid: '11111111-2222'
      name: watch-nodes-759b41a1-agent
      namespace: traefik
    roleRef:
      apiGroup: rbac.authorization.k8s.io
      kind: Role
      name: watch-nodes-759b41a1-agent
    subjects:
      - kind: ServiceAccount
        name: nodes-agent
        namespace: watch
    ");
}

#[test]
fn the_account_gives_no_token_away() {
    insta::assert_snapshot!(yaml(&[service_account(&least())]), @r"
    apiVersion: v1
    kind: ServiceAccount
    automountServiceAccountToken: false
    metadata:
      annotations:
        crowdsec-operator.dev/owner: LogProcessor/watch/nodes
      labels:
        app.kubernetes.io/component: agent
        app.kubernetes.io/instance: nodes
        app.kubernetes.io/managed-by: crowdsec-operator
        app.kubernetes.io/name: crowdsec
        crowdsec-operator.dev/owner-uid: '11111111-2222'
      name: nodes-agent
      namespace: watch
      ownerReferences:
        - apiVersion: crowdsec-operator.dev/v1alpha1
          blockOwnerDeletion: true
          controller: true
          kind: LogProcessor
          name: nodes
          uid: '11111111-2222'
    ");
}

#[test]
fn the_key_outlives_the_resource() {
    let validated = least();
    let secret = secret::build(&validated.owner, "key", Some(secret::mark("key", "http://a/")));
    insta::assert_snapshot!(yaml(&[secret]), @r"
    apiVersion: v1
    kind: Secret
    data:
      machine-key: a2V5
    metadata:
      annotations:
        crowdsec-operator.dev/owner: LogProcessor/watch/nodes
        crowdsec-operator.dev/registered-key: bb063043a4f7677a
      labels:
        app.kubernetes.io/component: agent
        app.kubernetes.io/instance: nodes
        app.kubernetes.io/managed-by: crowdsec-operator
        app.kubernetes.io/name: crowdsec
        crowdsec-operator.dev/owner-uid: '11111111-2222'
      name: nodes-agent
      namespace: watch
    type: Opaque
    ");
    assert_ne!(secret::mark("key", "http://a/"), secret::mark("yek", "http://a/"));
    assert_ne!(secret::mark("key", "http://a/"), secret::mark("key", "http://b/"));
}

#[test]
fn prometheus_finds_the_agents() {
    let spec = "{engineRef: {name: main}, monitoring: {interval: 30s, labels: {release: prometheus}}}";
    insta::assert_snapshot!(yaml(&[pod_monitor::build(&validated(spec))]), @r"
    apiVersion: monitoring.coreos.com/v1
    kind: PodMonitor
    metadata:
      annotations:
        crowdsec-operator.dev/owner: LogProcessor/watch/nodes
      labels:
        app.kubernetes.io/component: agent
        app.kubernetes.io/instance: nodes
        app.kubernetes.io/managed-by: crowdsec-operator
        app.kubernetes.io/name: crowdsec
        crowdsec-operator.dev/owner-uid: '11111111-2222'
        release: prometheus
      name: nodes-agent
      namespace: watch
      ownerReferences:
        - apiVersion: crowdsec-operator.dev/v1alpha1
          blockOwnerDeletion: true
          controller: true
          kind: LogProcessor
          name: nodes
          uid: '11111111-2222'
    spec:
      selector:
        matchLabels:
          app.kubernetes.io/component: agent
          app.kubernetes.io/instance: nodes
          app.kubernetes.io/name: crowdsec
      podMetricsEndpoints:
        - port: metrics
          relabelings:
            - sourceLabels:
                - __meta_kubernetes_pod_node_name
              targetLabel: node
          interval: 30s
    ");
}

#[test]
fn agents_of_a_hub_and_a_local_api_with_tls_learn_both() {
    let spec = "{engineRef: {name: main}, hub: {index: 'https://hub.example/main', collections: [crowdsecurity/nginx]}, sources: {nodeFiles: [{paths: [/var/log/app/*.log], type: app, labels: {team: a}}]}}";
    let local_api = LocalApi {
        url: "https://main-lapi.crowdsec.svc:8080/".into(),
        ca: Some("-----BEGIN CERTIFICATE-----\n".into()),
        ..local_api()
    };
    let validated = validate(&processor(spec), &observed(), &local_api).unwrap();
    let files = config_map::files(&validated).unwrap();
    insta::assert_snapshot!(files["acquis.yaml"], @r"
    source: pods
    config_map: nodes-agent-targets
    namespace: watch
    root: /var/log/pods
    ---
    source: file
    labels:
      team: a
      type: app
    filenames:
      - '/var/log/app/*.log'
    force_inotify: true
    ");
    insta::assert_snapshot!(files["local_api_credentials.yaml"], @r"
    url: 'https://main-lapi.crowdsec.svc:8080/'
    login: 'watch:nodes:${NODE_NAME}'
    ca_cert_path: /etc/crowdsec/lapi-ca.crt
    password_key_path: /run/secrets/machine/machine-key
    ");
    assert!(files["config.yaml"].contains("https://hub.example/%s/%s"));
    assert!(files.contains_key("lapi-ca.crt"));
}

#[test]
fn a_processor_of_files_alone_has_no_token_and_no_rights() {
    let validated = validated("{engineRef: {name: main}, sources: {containerLogs: false}}");
    assert!(rbac::roles(&validated).is_empty() && rbac::bindings(&validated).is_empty());
    assert!(daemon_set_of(&validated).contains("automountServiceAccountToken: false"));
    let titles: Vec<String> = build(&validated, "mark")
        .unwrap()
        .iter()
        .map(Desired::title)
        .collect();
    assert!(
        !titles.iter().any(|title| title.contains("targets")),
        "{titles:?}"
    );
}

#[test]
fn a_new_target_restarts_no_agent_and_a_new_setting_does() {
    let of = |candidates, spec: &str| {
        let observed = Observed {
            candidates,
            ..observed()
        };
        daemon_set_of(&validate(&processor(spec), &observed, &local_api()).unwrap())
    };
    let plain = "{engineRef: {name: main}}";
    let before = of(observed().candidates, plain);
    assert_eq!(before, of(Vec::new(), plain));
    let files = "{engineRef: {name: main}, sources: {nodeFiles: [{paths: [/var/log/x], type: x}]}}";
    assert_ne!(before, of(observed().candidates, files));
}

#[test]
fn the_files_are_what_the_agent_reads() {
    let folder = std::env::temp_dir().join(format!("operator-agent-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let place = folder.display().to_string();
    for (name, text) in config_map::files(&least()).unwrap() {
        std::fs::write(folder.join(name), text.replace(daemon_set::CONFIG_DIR, &place)).unwrap();
    }
    let env = config::Env::from([("NODE_NAME".to_owned(), "node-1".to_owned())]);
    let config = config::load::load(&folder.join("config.yaml"), &env).unwrap();
    let sources = config::load::acquisition(config.agent.as_ref().unwrap(), &env).unwrap();
    config::load::simulation_of(&config.paths).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(sources.len(), 2);
    assert!(config.server.is_none(), "an agent serves nothing");
}

#[test]
fn two_processors_whose_names_run_together_have_different_roles_in_one_namespace() {
    let name = |namespace: &str, name: &str| {
        let mut processor = processor("{engineRef: {name: main}}");
        processor.metadata.namespace = Some(namespace.into());
        processor.metadata.name = Some(name.into());
        let validated = validate(&processor, &observed(), &local_api()).unwrap();
        rbac::roles(&validated)[1].metadata.name.clone().unwrap()
    };
    assert_ne!(name("a-b", "c"), name("a", "b-c"));
}

#[test]
fn labels_of_the_monitor_cannot_take_away_what_it_is_found_by() {
    let spec = "{engineRef: {name: main}, monitoring: {labels: {app.kubernetes.io/name: x}}}";
    let labels: BTreeMap<String, String> = pod_monitor::build(&validated(spec)).metadata.labels.unwrap();
    assert_eq!(labels["app.kubernetes.io/name"], "crowdsec");
}
