import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Scanner;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UserScramCredentialAlteration;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** What Strimzi's user operator does, once: users and their rights, from lines on standard input. See acls.py. */
final class Acls {
    private Acls() {}

    /** Arguments: the listener of an administrator, and the one that asks for a password. */
    public static void main(String[] args) throws Exception {
        List<UserScramCredentialAlteration> users = new ArrayList<>();
        List<AclBinding> acls = new ArrayList<>();
        List<String[]> writes = new ArrayList<>();
        Scanner lines = new Scanner(System.in);
        while (lines.hasNextLine()) {
            String[] words = lines.nextLine().split(" ");
            switch (words[0]) {
                case "user" -> users.add(new UserScramCredentialUpsertion(
                        words[1], new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096), words[2]));
                case "acl" -> acls.add(new AclBinding(
                        new ResourcePattern(
                                ResourceType.fromString(words[2]), words[3],
                                words[4].equals("prefix") ? PatternType.PREFIXED : PatternType.LITERAL),
                        new AccessControlEntry("User:" + words[1], "*", operation(words[5]), AclPermissionType.ALLOW)));
                case "write" -> writes.add(words);
                default -> throw new IllegalArgumentException(words[0]);
            }
        }
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", args[0]))) {
            if (!users.isEmpty()) {
                admin.alterUserScramCredentials(users).all().get();
            }
            admin.createAcls(acls).all().get();
        }
        for (String[] write : writes) {
            System.out.println(write[1] + " " + write[3] + " " + outcome(args[1], write));
        }
    }

    /** DescribeConfigs is DESCRIBE_CONFIGS. */
    private static AclOperation operation(String name) {
        return AclOperation.fromString(name.replaceAll("(?<=[a-z])(?=[A-Z])", "_"));
    }

    private static String outcome(String bootstrap, String[] write) throws InterruptedException {
        Map<String, Object> settings = Map.of(
                "bootstrap.servers", bootstrap,
                "security.protocol", "SASL_PLAINTEXT",
                "sasl.mechanism", "SCRAM-SHA-512",
                "sasl.jaas.config", "org.apache.kafka.common.security.scram.ScramLoginModule required username=\""
                        + write[1] + "\" password=\"" + write[2] + "\";");
        try (var producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
            producer.send(new ProducerRecord<>(write[3], new byte[] {0})).get();
            return "written";
        } catch (ExecutionException refused) {
            return refused.getCause().getClass().getSimpleName();
        }
    }
}
