using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace Hospes.Domains.Operations;

/// <summary>
/// Hooks in a folder: the program <c>domain</c>, and those in <c>domain.d</c> in the order of their names. Each is called with the domain's name, the moment, the phase and a hyphen; what it writes to its
/// standard output goes where the daemon's goes.
/// </summary>
/// <param name="folder">The folder; it need not be there.</param>
/// <param name="clock">The time.</param>
/// <param name="patience">How long a program may take before it is ended.</param>
public sealed class HookFolder(string folder, TimeProvider clock, TimeSpan? patience = null) : IDomainHooks
{
    /// <summary>What is told of a program's complaint.</summary>
    private const int LongestComplaint = 2000;

    /// <summary>How long a program that ended is listened to: what it left running may hold its standard error open.</summary>
    private static readonly TimeSpan LastWords = TimeSpan.FromMilliseconds(500);

    private readonly TimeSpan _patience = patience ?? TimeSpan.FromSeconds(30);

    /// <inheritdoc/>
    public bool Any => Programs().Any();

    /// <inheritdoc/>
    public async ValueTask<DomainFailure?> RunAsync(string domain, string moment, string phase, string xml)
    {
        foreach (string program in Programs())
        {
            if (await RunAsync(program, [domain, moment, phase, "-"], xml).ConfigureAwait(false) is { } complaint)
                return new DomainFailure(DomainError.HookFailed, $"'{program} {domain} {moment} {phase}' {complaint}");
        }
        return null;
    }

    private IEnumerable<string> Programs()
    {
        string one = Path.Combine(folder, "domain"), many = $"{one}.d";
        if (IsProgram(one)) yield return one;
        if (!Directory.Exists(many)) yield break;
        foreach (string path in Directory.GetFiles(many).Where(IsProgram).Order(StringComparer.Ordinal)) yield return path;
    }

    private static bool IsProgram(string path) => File.Exists(path)
        && (OperatingSystem.IsWindows() || (File.GetUnixFileMode(path) & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) != 0);

    /// <summary>Runs one.</summary>
    /// <returns>What went wrong, or null.</returns>
    private async ValueTask<string?> RunAsync(string program, string[] arguments, string xml)
    {
        using var end = new CancellationTokenSource(_patience, clock);
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardError = true })!;
            Task<string> complaint = ListenAsync(process.StandardError.BaseStream, end.Token);
            try
            {
                await WriteAsync(process, xml, end.Token).ConfigureAwait(false);
                await process.WaitForExitAsync(end.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                return $"did not end within {_patience.TotalSeconds:0} seconds";
            }
            if (process.ExitCode == 0) return null;
            await Task.WhenAny(complaint, Task.Delay(LastWords, clock)).ConfigureAwait(false);
            string words = complaint.IsCompletedSuccessfully ? (await complaint.ConfigureAwait(false)).Trim().ReplaceLineEndings(" ") : "";
            return $"ended with the status {process.ExitCode}{(words.Length > 0 ? $": {words}" : "")}";
        }
        catch (Win32Exception fault)
        {
            return $"cannot be started: {fault.Message}";
        }
    }

    private static async ValueTask WriteAsync(Process process, string xml, CancellationToken end)
    {
        try
        {
            await process.StandardInput.WriteAsync(xml.AsMemory(), end).ConfigureAwait(false);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // A program need not read.
        }
    }

    private static async Task<string> ListenAsync(Stream from, CancellationToken end)
    {
        var heard = new StringBuilder();
        byte[] buffer = new byte[1024];
        try
        {
            // What is too long is read all the same, so that the program can go on.
            for (int count; (count = await from.ReadAsync(buffer, end).ConfigureAwait(false)) > 0;)
            {
                if (heard.Length < LongestComplaint) heard.Append(Encoding.UTF8.GetString(buffer, 0, count));
            }
        }
        catch (Exception gone) when (gone is OperationCanceledException or IOException or ObjectDisposedException)
        {
            // It was ended.
        }
        return heard.Length > LongestComplaint ? heard.ToString(0, LongestComplaint) : heard.ToString();
    }
}
