using System.Text.Json;
using System.Text.Json.Nodes;
using Hospes.Hypervisor;
using Hospes.Qmp;
using Hospes.Qmp.Schema;
using Hospes.Vmm.Qmp;

namespace Hospes.Vmm.Tests.Qmp;

/// <summary>A domain that runs, and its monitor.</summary>
internal sealed class Monitored : IDisposable
{
    private readonly RunningDomain _domain;
    private QmpMonitor? _monitor;

    public Monitored(VmmOptions options, IEngine? engine = null, IChardevHost? chardevs = null, Action<DomainRunner>? prepare = null) =>
        _domain = new RunningDomain(options, engine ?? new FakeEngine(_ => []), runner =>
        {
            _monitor = new QmpMonitor(runner, chardevs);
            prepare?.Invoke(runner);
        });

    public RunningDomain Domain => _domain;

    public QmpMonitor Monitor => _monitor!;

    /// <summary>Does a command, whose answer must be of the type that is declared.</summary>
    public JsonElement Do(string name, string arguments = "{}")
    {
        QmpResult result = Try(name, arguments);
        result.Error.ShouldBeNull();
        using JsonDocument document = JsonDocument.Parse(result.Value?.ToJsonString() ?? "{}");
        QmpType type = Monitor.Server.Commands.First(command => command.Name == name).Returns;
        type.Check(document.RootElement, null, name).ShouldBeNull();
        return document.RootElement.Clone();
    }

    /// <summary>Does a command that is refused, and gives the words.</summary>
    public string Refuse(string name, string arguments = "{}") => Try(name, arguments).Error.ShouldNotBeNull().Description;

    /// <summary>What a person's line is answered.</summary>
    public string Ask(string line) => Do("human-monitor-command", new JsonObject { ["command-line"] = line }.ToJsonString()).GetString()!.Replace("\r\n", "\n", StringComparison.Ordinal);

    public void Dispose()
    {
        _domain.Dispose();
        Monitor.Dispose();
    }

    private QmpResult Try(string name, string arguments)
    {
        QmpCommand command = Monitor.Server.Commands.First(command => command.Name == name);
        using JsonDocument document = JsonDocument.Parse(arguments);
        return command.Arguments.Check(document.RootElement, null, "") is { } error ? QmpError.Generic(error) : command.Execute(new QmpArguments(document.RootElement));
    }
}
