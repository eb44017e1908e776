using System.Globalization;
using System.Text;
using Hospes.Machine;

namespace Hospes.Vmm.CommandLine;

/// <summary>What the command line answers to questions: <c>-version</c>, and <c>help</c> in the place of an argument.</summary>
internal static class HelpText
{
    /// <summary>The answer to <c>-version</c>. Who parses QEMU's looks for a number.</summary>
    public static string Version => $"Hospes domain version {typeof(HelpText).Assembly.GetName().Version?.ToString(3)}\n";

    /// <summary>Answers a question.</summary>
    /// <param name="kind">The option.</param>
    /// <param name="argument">Its argument.</param>
    /// <param name="answer">The answer, or null when nothing is asked.</param>
    public static bool TryAnswer(OptionKind kind, string argument, out string? answer)
    {
        string[] parts = argument.Split(',');
        bool asked = parts[0] is "help" or "?";
        bool more = parts.Length > 1 && parts[1..].Any(static part => part is "help" or "?");
        answer = kind switch
        {
            OptionKind.Machine when asked => $"Supported machines are:\n{MachineArguments.Type,-20} PVH machine with a PCI Express host bridge (default)\n",
            OptionKind.Machine when more => MachineProperties.Names.Aggregate($"{MachineArguments.Type}-machine options:\n", static (text, name) => text + Line(name, "size", "bytes, or with a suffix"))
                + Line("memory-backend", "str", "ID of an object that the RAM is made of")
                + Line("wdat", "bool", "on/off: a watchdog that ACPI describes (default: off)"),
            OptionKind.Accelerator when asked => $"Accelerators supported in this program:\n{string.Join('\n', EngineChoice.Names)}\n",
            OptionKind.Cpu when asked => "Available CPUs:\nx86 max                   Everything that the accelerator offers (default)\n",
            OptionKind.Device when asked => Models(),
            OptionKind.Device when more => Properties(parts[0]),
            OptionKind.Netdev when asked => "Available netdev backend types:\nsocket\nstream\ndgram\ntap\nuser\n",
            OptionKind.Chardev when asked => "Available chardev backend types:\n  socket\n  stdio\n  pty\n  file\n  null\n  ringbuf\n",
            OptionKind.Object when asked => $"List of user creatable objects:\n  {string.Join("\n  ", ObjectArguments.Types)}\n",
            OptionKind.Drive or OptionKind.Blockdev when asked => "Supported formats: file qcow2 raw\n",
            OptionKind.Vnc when asked => "HOST:DISPLAY[,password=on]\nunix:PATH[,password=on]\nnone\n",
            OptionKind.Absent when asked => "none\n",
            _ => null,
        };
        return answer is not null;
    }

    private static string Models()
    {
        var text = new StringBuilder();
        foreach (DeviceModel model in DeviceModels.All) text.Append(CultureInfo.InvariantCulture, $"name \"{model.Name}\", bus {model.Bus}, desc \"{model.Description}\"\n");
        return text.ToString();
    }

    private static string? Properties(string name)
    {
        if (DeviceModels.Find(name) is not { } model) return null;
        var text = new StringBuilder($"{model.Name} options:\n");
        foreach (DeviceProperty property in model.Properties)
        {
            string fixedTo = property.Values is { } values ? $" (only {string.Join(", ", values.Select(static value => value.Length == 0 ? "\"\"" : value))})" : "";
            text.Append(Line(property.Name, property.Type, property.Description + fixedTo));
        }
        return text.ToString();
    }

    private static string Line(string name, string type, string description) => $"  {$"{name}=<{type}>",-22} - {description.Trim()}\n";
}
