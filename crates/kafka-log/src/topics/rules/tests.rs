//! Each rule, violated alone.

use super::*;

const BROKERS: &str = "broker:9092";

/// Five topics as they must be, on three brokers or on one.
fn good(replicas: usize) -> Cluster {
    let replicated = replicas > 1;
    let mut settings: BTreeMap<String, String> =
        FIXED.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    settings.insert("max.message.bytes".to_owned(), MESSAGE_BYTES.to_string());
    settings.insert("min.insync.replicas".to_owned(), if replicated { "2" } else { "1" }.to_owned());
    settings.insert("flush.messages".to_owned(), if replicated { "9223372036854775807" } else { "1" }.to_owned());
    let topic =
        |name: &str| TopicState { name: name.to_owned(), partitions: vec![replicas; 64], settings: settings.clone() };
    Cluster {
        brokers: (1..).take(replicas).collect(),
        eligible_leader_replicas: replicated,
        topics: ["a", "b", "c", "d", "e"].map(topic).into(),
    }
}

/// What is found wrong, as `topic: setting is found and must be so`, and the commands.
fn found(cluster: &Cluster, wanted: Wanted) -> (Vec<String>, Vec<String>) {
    let error = judge(cluster, wanted, BROKERS).expect_err("something is wrong");
    let message = error.to_string();
    let lines = message.lines().filter(|line| line.contains(" must be ")).map(|line| line.trim().to_owned()).collect();
    for command in error.commands() {
        assert!(message.contains(&command), "one message tells all: {message}");
    }
    (lines, error.commands())
}

fn set(cluster: &mut Cluster, setting: &str, value: &str) {
    cluster.topics[1].settings.insert(setting.to_owned(), value.to_owned());
}

#[test]
fn topics_as_they_must_be_are_taken() {
    for (replicas, durability) in [(3, "kafka rf=3 min.insync.replicas=2"), (1, "kafka rf=1 flush.messages=1")] {
        let layout = judge(&good(replicas), Wanted::default(), BROKERS).unwrap();
        assert_eq!((layout.partition_count, layout.durability().as_str()), (64, durability));
    }
}

#[test]
fn every_wrong_setting_is_named_with_what_it_must_be_and_the_command() {
    for (replicas, setting, value, must_be) in [
        (3, "cleanup.policy", "compact", "delete"),
        (3, "retention.ms", "604800000", "-1"),
        (3, "retention.bytes", "1000000", "-1"),
        (3, "unclean.leader.election.enable", "true", "false"),
        (3, "max.message.bytes", "1000", "1048588"),
        (3, "min.insync.replicas", "1", "2"),
        (3, "min.insync.replicas", "3", "2"),
        (1, "min.insync.replicas", "2", "1"),
        (1, "flush.messages", "9223372036854775807", "1"),
    ] {
        let mut cluster = good(replicas);
        set(&mut cluster, setting, value);
        let (lines, commands) = found(&cluster, Wanted::default());
        let at_least = if setting == "max.message.bytes" { "at least " } else { "" };
        assert_eq!(lines, [format!("b: {setting} is {value} and must be {at_least}{must_be}")]);
        assert_eq!(
            commands,
            [format!(
                "kafka-configs.sh --bootstrap-server {BROKERS} --alter --entity-type topics --entity-name b \
                 --add-config {setting}={must_be}"
            )]
        );
    }
}

#[test]
fn several_wrong_settings_come_in_one_message_and_one_command_to_a_topic() {
    let mut cluster = good(3);
    set(&mut cluster, "retention.ms", "1");
    set(&mut cluster, "cleanup.policy", "compact");
    cluster.topics[4].settings.remove("retention.bytes");
    let (lines, commands) = found(&cluster, Wanted::default());
    assert_eq!(
        lines,
        [
            "b: cleanup.policy is compact and must be delete",
            "b: retention.ms is 1 and must be -1",
            "e: retention.bytes is not known and must be -1"
        ]
    );
    assert_eq!(commands.len(), 2);
    assert!(
        commands[0].ends_with("--entity-name b --add-config cleanup.policy=delete,retention.ms=-1"),
        "{commands:?}"
    );
}

#[test]
fn a_missing_topic_is_to_be_created() {
    let mut cluster = good(3);
    cluster.topics[0].partitions.clear();
    let (lines, commands) = found(&cluster, Wanted::default());
    assert_eq!(lines, ["a: the topic is missing and must be there"]);
    assert_eq!(commands, ["loopledger topics create --kafka broker:9092"]);
    cluster.topics.iter_mut().for_each(|topic| topic.partitions.clear());
    assert_eq!(found(&cluster, Wanted::default()).0.len(), 5, "nothing but that is said of topics that are not there");
}

#[test]
fn the_number_of_partitions_is_that_of_the_others_or_the_one_asked_for() {
    let mut cluster = good(3);
    cluster.topics[1].partitions.pop();
    let (lines, commands) = found(&cluster, Wanted::default());
    assert_eq!(lines, ["b: the number of partitions is 63 and must be 64"]);
    assert!(
        commands[0].contains("--delete --topic b") && commands[0].contains("only while it is empty"),
        "{commands:?}"
    );
    let wanted = Wanted { partitions: Some(63), replication_factor: None };
    assert_eq!(found(&cluster, wanted).0.len(), 4, "all but b");
}

#[test]
fn replicas_are_three_where_there_are_brokers_for_them() {
    let mut cluster = good(1);
    cluster.brokers = vec![1, 2, 3];
    let (lines, commands) = found(&cluster, Wanted::default());
    assert!(lines.contains(&"a: the replication factor is 1 and must be 3".to_owned()), "{lines:?}");
    assert!(commands.iter().any(|command| command.starts_with("kafka-reassign-partitions.sh")), "{commands:?}");

    // One partition of one topic is enough to lose what is in it.
    let mut cluster = good(3);
    cluster.topics[1].partitions[7] = 2;
    assert_eq!(found(&cluster, Wanted::default()).0, ["b: the replication factor is 2 and must be 3"]);

    // Brokers that are away just now are no fault of the topics.
    let mut cluster = good(3);
    cluster.brokers = vec![2];
    judge(&cluster, Wanted::default(), BROKERS).unwrap();

    // Unless it is asked for.
    let mut cluster = good(1);
    cluster.brokers = vec![1, 2, 3];
    judge(&cluster, Wanted { partitions: None, replication_factor: Some(1) }, BROKERS).unwrap();
    let wanted = Wanted { partitions: None, replication_factor: Some(5) };
    assert!(found(&good(3), wanted).0.contains(&"a: the replication factor is 3 and must be 5".to_owned()));
}

#[test]
fn replicas_without_eligible_leaders_are_refused() {
    let mut cluster = good(3);
    cluster.eligible_leader_replicas = false;
    let (lines, commands) = found(&cluster, Wanted::default());
    assert_eq!(lines, ["the cluster: eligible.leader.replicas.version is 0 and must be 1"]);
    assert_eq!(
        commands,
        ["kafka-features.sh --bootstrap-server broker:9092 upgrade --feature eligible.leader.replicas.version=1"]
    );
}

#[test]
fn a_majority_of_replicas_has_what_is_confirmed() {
    assert_eq!([1, 2, 3, 4, 5].map(min_insync_replicas), [1, 2, 2, 3, 3]);
}
