using System.Text;

namespace Hospes.Cli.Demo;

/// <summary>Types one command at each prompt of the guest's shell, and at last the one that powers the guest off.</summary>
internal sealed class DemoScript(IReadOnlyList<string> commands, Action<byte[]> type, Action poweringOff)
{
    /// <summary>What is shown to those who give no script.</summary>
    public static IReadOnlyList<string> Standard { get; } =
        ["uname -a", "nproc", "grep -m 1 'model name' /proc/cpuinfo", "free -m", "cat /proc/interrupts | head -n 12", "uptime"];

    /// <summary>What ends every script.</summary>
    public const string PowerOff = "poweroff -f";

    private int _next;

    /// <summary>Reads a script: one command a line; empty lines and lines that start with '#' are passed over.</summary>
    public static IReadOnlyList<string> Parse(string text) =>
        [.. text.Split('\n').Select(static line => line.Trim()).Where(static line => line.Length > 0 && !line.StartsWith('#'))];

    /// <summary>A prompt appeared: types the next command.</summary>
    public void OnPrompt()
    {
        if (_next > commands.Count) return;
        bool last = _next == commands.Count;
        if (last) poweringOff();
        type(Encoding.UTF8.GetBytes((last ? PowerOff : commands[_next]) + "\n"));
        _next++;
    }
}
