using System.CommandLine;
using System.Net.Sockets;
using Hospes.Cli.CommandLine;
using Hospes.Cli.Daemon;
using Hospes.Libvirt.Client;

namespace Hospes.Cli.Domains;

/// <summary><c>hospes domain</c>: what a daemon manages, for people who have only Hospes.</summary>
internal static class DomainCommand
{
    /// <summary>The words of <c>virDomainState</c>, as virsh has them.</summary>
    private static readonly string[] States = ["no state", "running", "idle", "paused", "in shutdown", "shut off", "crashed", "pmsuspended"];

    private static readonly IReadOnlyList<(string Status, string Meaning)> Statuses =
        [("0", "Done."), ("1", "The daemon refused, and said why."), ("2", "Bad arguments, or no daemon answers.")];

    /// <summary>Makes the command.</summary>
    public static Command Create(Surroundings surroundings)
    {
        var domain = new ManualCommand("domain", "use the domains of a daemon", new ManualPage
        {
            Description = ["Lists, defines, starts and ends the domains of a running 'hospes daemon', over libvirt's protocol. virsh can do the same, and more."],
            Variables = DaemonFolders.Variables,
            SeeAlso = ["hospes daemon"],
        });
        domain.Add(List(surroundings));
        domain.Add(Define(surroundings));
        domain.Add(Xml(surroundings));
        domain.Add(Info(surroundings));
        domain.Add(Act(surroundings, "start", "start a domain", 9));
        domain.Add(Act(surroundings, "shutdown", "ask a domain's guest to power off", 33));
        domain.Add(Act(surroundings, "destroy", "end a domain at once", 12));
        domain.Add(Act(surroundings, "suspend", "hold a domain's processors", 34));
        domain.Add(Act(surroundings, "resume", "let a domain's processors go on", 28));
        domain.Add(Act(surroundings, "undefine", "remove a domain's definition", 35));
        domain.Add(PlanTool.Create(surroundings));
        domain.Add(ConsoleTool.Create(surroundings));
        return domain;
    }

    /// <summary>The option that every tool has.</summary>
    public static Option<string?> SocketOption() => OptionValue.Text("--socket", "PATH", "Use the daemon at this Unix socket.");

    /// <summary>The page of a tool.</summary>
    public static ManualPage Page(string description, params (string Command, string Does)[] examples) => new() { Description = [description], ExitStatuses = Statuses, Examples = examples };

    /// <summary>Connects, does the work, and turns what can go wrong into an exit status.</summary>
    public static int With(Surroundings surroundings, string? socket, Func<LibvirtClient, int> work)
    {
        string path = socket ?? DaemonFolders.Socket(surroundings);
        try
        {
            using LibvirtClient client = LibvirtClient.Connect(path);
            return work(client);
        }
        catch (LibvirtException refusal)
        {
            surroundings.Note(refusal.Message);
            return ExitStatus.No;
        }
        catch (Exception failure) when (failure is SocketException or ArgumentException)
        {
            return surroundings.Fail(new Failure(FailureKind.Network, $"no daemon answers at '{path}' ({failure.Message.TrimEnd('.')})", "start one with 'hospes daemon', or name its socket with --socket"));
        }
    }

    private static ManualCommand List(Surroundings surroundings)
    {
        Option<string?> socket = SocketOption();
        var command = new ManualCommand("list", "list domains", Page("Lists all domains: id, name, state.", ("hospes domain list", "What there is."))) { socket };
        command.SetAction(result => With(surroundings, result.GetValue(socket), client =>
        {
            foreach (RemoteDomain domain in client.List().OrderBy(static domain => domain.Name, StringComparer.Ordinal))
            {
                string words = Words(client.State(domain).State);
                surroundings.Out.WriteLine($"{(domain.Id > 0 ? domain.Id.ToString(System.Globalization.CultureInfo.InvariantCulture) : "-"),-5} {domain.Name,-30} {words}");
            }
            return ExitStatus.Done;
        }));
        return command;
    }

    private static ManualCommand Define(Surroundings surroundings)
    {
        Option<string?> socket = SocketOption();
        Argument<string> file = new("FILE") { Description = "The document." };
        var command = new ManualCommand("define", "define a domain", Page("Defines a domain from libvirt's domain XML, or gives one another definition.", ("hospes domain define guest.xml", "Then: hospes domain start NAME"))) { file, socket };
        command.SetAction(result =>
        {
            string path = result.GetValue(file)!;
            string xml;
            try
            {
                xml = File.ReadAllText(path);
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                return surroundings.Fail(new Failure(FailureKind.File, $"'{path}' cannot be read: {failure.Message.TrimEnd('.')}", "name a file that is there"));
            }
            return With(surroundings, result.GetValue(socket), client =>
            {
                client.Define(xml);
                return ExitStatus.Done;
            });
        });
        return command;
    }

    private static ManualCommand Xml(Surroundings surroundings)
    {
        Option<string?> socket = SocketOption();
        Argument<string> name = NameArgument();
        var command = new ManualCommand("xml", "show a domain's document", Page("Writes the document of a domain: of what runs, or else of what is defined.")) { name, socket };
        command.SetAction(result => With(surroundings, result.GetValue(socket), client =>
        {
            surroundings.Out.Write(client.Xml(client.Find(result.GetValue(name)!)));
            return ExitStatus.Done;
        }));
        return command;
    }

    private static ManualCommand Info(Surroundings surroundings)
    {
        Option<string?> socket = SocketOption();
        Argument<string> name = NameArgument();
        var command = new ManualCommand("info", "say what a domain is and how it is confined",
            Page("Says a domain's id, name, UUID and state, and what the host's kernel enforces on its process: what a guest that breaks out of its machine meets.")) { name, socket };
        command.SetAction(result => With(surroundings, result.GetValue(socket), client =>
        {
            RemoteDomain domain = client.Find(result.GetValue(name)!);
            string confinement = client.Confinement(domain);
            (string, string)[] lines =
            [
                ("id", domain.Id > 0 ? domain.Id.ToString(System.Globalization.CultureInfo.InvariantCulture) : "-"), ("name", domain.Name), ("uuid", domain.Uuid.ToString()),
                ("state", Words(client.State(domain).State)), ("confined", confinement.Length > 0 ? confinement : "no"),
            ];
            foreach ((string what, string value) in lines) surroundings.Out.WriteLine($"{what,-9} {value}");
            return ExitStatus.Done;
        }));
        return command;
    }

    private static string Words(int state) => (uint)state < (uint)States.Length ? States[state] : States[0];

    private static ManualCommand Act(Surroundings surroundings, string verb, string summary, int procedure)
    {
        Option<string?> socket = SocketOption();
        Argument<string> name = NameArgument();
        var command = new ManualCommand(verb, summary, Page($"The command: {summary}.")) { name, socket };
        command.SetAction(result => With(surroundings, result.GetValue(socket), client =>
        {
            client.Act(procedure, client.Find(result.GetValue(name)!));
            return ExitStatus.Done;
        }));
        return command;
    }

    /// <summary>The argument that names a domain.</summary>
    public static Argument<string> NameArgument() => new("NAME") { Description = "The domain." };
}
