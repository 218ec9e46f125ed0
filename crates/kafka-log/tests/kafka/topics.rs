//! Topics created, compared and refused on a real cluster. Unit tests cover the single rules.

use loopledger_kafka_log::topics::{self, Mend, Wanted};
use loopledger_kafka_log::{ConnectError, KafkaLog, KafkaOptions};
use loopledger_types::{Service, Topic};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};

use crate::support;

/// One replica, whatever `KAFKA_BOOTSTRAP` leads to.
const WANTED: Wanted = Wanted { partitions: Some(3), replication_factor: Some(1) };

fn name(options: &KafkaOptions, service: Service) -> String {
    format!("{}{}", options.topic_prefix, Topic(service))
}

async fn create_wrong(options: &KafkaOptions, service: Service, partitions: i32, settings: &[(&str, &str)]) {
    let admin: AdminClient<_> = ClientConfig::new().set("bootstrap.servers", &options.brokers).create().unwrap();
    let name = name(options, service);
    let topic = NewTopic::new(&name, partitions, TopicReplication::Fixed(1));
    let topic = settings.iter().fold(topic, |topic, (name, value)| topic.set(name, value));
    for answer in admin.create_topics(&[topic], &AdminOptions::new()).await.unwrap() {
        answer.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_are_created_once_and_then_compared() {
    let options = support::options(support::bootstrap());
    let missing = topics::check(&options, WANTED).await.unwrap_err();
    let ConnectError::WrongTopics(wrong) = &missing else { panic!("{missing}") };
    assert!(wrong.wrong.len() == 5 && wrong.wrong.iter().all(|wrong| wrong.mend == Mend::Create), "{missing}");

    let created = topics::create(&options, WANTED).await.unwrap();
    assert_eq!(created.topics.len(), 5);
    assert_eq!((created.layout.partition_count, created.layout.replication_factor), (3, 1));
    assert_eq!(topics::check(&options, Wanted::default()).await.unwrap(), created.layout);
    let again = topics::create(&options, WANTED).await.unwrap();
    assert_eq!((again.topics.len(), again.layout), (0, created.layout));

    let more = Wanted { partitions: Some(4), ..WANTED };
    let refused = topics::create(&options, more).await.unwrap_err().to_string();
    for service in Service::ALL {
        let line = format!("{}: the number of partitions is 3 and must be 4", name(&options, service));
        assert!(refused.contains(&line), "{refused}");
    }
    assert_eq!(topics::check(&options, WANTED).await.unwrap(), created.layout, "nothing was changed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_topics_are_refused_with_one_message_that_names_each_value() {
    let options = support::options(support::bootstrap());
    let right = [
        ("cleanup.policy", "delete"),
        ("retention.ms", "-1"),
        ("retention.bytes", "-1"),
        ("unclean.leader.election.enable", "false"),
        ("min.insync.replicas", "1"),
        ("max.message.bytes", "1048588"),
        ("flush.messages", "1"),
    ];
    let wrong = [
        (Service::Procurement, "cleanup.policy", "compact", "must be delete"),
        (Service::Station, "retention.ms", "604800000", "must be -1"),
        (Service::Distribution, "retention.bytes", "1000000", "must be -1"),
        (Service::Sales, "unclean.leader.election.enable", "true", "must be false"),
        (Service::Ledger, "max.message.bytes", "1000", "must be at least 1048588"),
    ];
    for (service, setting, value, _) in wrong {
        let settings: Vec<_> =
            right.iter().map(|(name, right)| (*name, if *name == setting { value } else { *right })).collect();
        create_wrong(&options, service, 3, &settings).await;
    }
    let error = KafkaLog::connect(options.clone()).await.unwrap_err();
    assert!(matches!(error, ConnectError::WrongTopics(_)), "{error:?}");
    let message = error.to_string();
    for (service, setting, value, must_be) in wrong {
        let line = format!("{}: {setting} is {value} and {must_be}", name(&options, service));
        assert!(message.contains(&line), "{line}\n{message}");
        let value = must_be.rsplit_once(' ').unwrap().1;
        let command = format!("--entity-name {} --add-config {setting}={value}", name(&options, service));
        assert!(message.contains(&command), "{command}\n{message}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_as_a_cluster_makes_them_by_itself_are_refused() {
    let options = support::options(support::bootstrap());
    for (number, service) in Service::ALL.into_iter().enumerate() {
        create_wrong(&options, service, if number == 4 { 2 } else { 1 }, &[]).await;
    }
    let message = KafkaLog::connect(options.clone()).await.unwrap_err().to_string();
    let station = name(&options, Service::Station);
    let mut expected = vec![
        format!("{}: the number of partitions is 2 and must be 1", name(&options, Service::Ledger)),
        // The cluster keeps all for ever by default, but for this.
        format!("{station}: flush.messages is 9223372036854775807 and must be 1"),
    ];
    if std::env::var_os("KAFKA_BOOTSTRAP").is_some() {
        // Whatever its defaults are, the number of partitions is wrong.
        expected.truncate(1);
    }
    for line in expected {
        assert!(message.contains(&line), "{line}\n{message}");
    }
}
