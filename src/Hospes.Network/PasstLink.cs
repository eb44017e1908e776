using System.ComponentModel;
using System.Diagnostics;

namespace Hospes.Network;

/// <summary>
/// User-mode networking without privileges: a passt process beside the guest answers its DHCP and turns its connections into sockets of the
/// host (passt(1)). The process belongs to the link and ends with it.
/// </summary>
public sealed class PasstLink : INetworkLink
{
    /// <summary>The MTU that guests are told: the largest that passt takes. Its frames never see a wire.</summary>
    public const int Mtu = 65520;

    /// <summary>How long passt may take to listen.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    private readonly Process _process;
    private readonly StreamLink _link;
    private readonly string _folder;

    private PasstLink(Process process, StreamLink link, string folder)
    {
        _process = process;
        _link = link;
        _folder = folder;
    }

    /// <inheritdoc/>
    public int HeaderSize => 0;

    /// <inheritdoc/>
    public bool IsReliable => true;

    /// <inheritdoc/>
    public bool HasGoodChecksums => true;

    /// <summary>Starts passt and connects to it.</summary>
    /// <param name="forwards">Ports of the host that lead into the guest.</param>
    /// <param name="link">The link, or null.</param>
    /// <returns>Null, or why not.</returns>
    public static NetworkFailure? TryStart(IReadOnlyList<PortForward> forwards, out PasstLink? link)
    {
        link = null;
        // The folder's name is not to be guessed, and only this user may look into it.
        string folder = Directory.CreateTempSubdirectory("hospes-passt-").FullName;
        string path = Path.Combine(folder, "socket");
        var start = new ProcessStartInfo(PasstProgram.Name, ["--foreground", "--stderr", .. PasstProgram.Arguments(path, forwards)])
        {
            RedirectStandardError = true, RedirectStandardOutput = true, RedirectStandardInput = true,
        };
        Process? process = null;
        NetworkFailure? failure;
        try
        {
            process = Process.Start(start)!;
            failure = TryConnect(process, path, out StreamLink? stream);
            if (failure is null)
            {
                process.ErrorDataReceived += static (_, _) => { };
                process.BeginErrorReadLine();
                link = new PasstLink(process, stream!, folder);
                return null;
            }
        }
        catch (Win32Exception fault)
        {
            failure = PasstProgram.Absent(fault);
        }
        End(process);
        Directory.Delete(folder, recursive: true);
        return failure;
    }

    /// <inheritdoc/>
    public void SetOffloads(bool checksum, bool segments4, bool segments6)
    {
    }

    /// <inheritdoc/>
    public void Send(ReadOnlySpan<byte> frame) => _link.Send(frame);

    /// <inheritdoc/>
    public int Receive(Span<byte> frame) => _link.Receive(frame);

    /// <inheritdoc/>
    public void Dispose()
    {
        _link.Dispose();
        End(_process);
        if (Directory.Exists(_folder)) Directory.Delete(_folder, recursive: true);
    }

    private static NetworkFailure? TryConnect(Process process, string path, out StreamLink? stream)
    {
        long end = Stopwatch.GetTimestamp() + (long)(s_patience.TotalSeconds * Stopwatch.Frequency);
        while (true)
        {
            NetworkFailure? failure = StreamLink.TryConnect(path, hasGoodChecksums: true, out stream);
            if (failure is null) return null;
            if (process.WaitForExit(TimeSpan.FromMilliseconds(5)))
            {
                string words = process.StandardError.ReadToEnd().Trim().ReplaceLineEndings(", ");
                return PasstProgram.Ended(words);
            }
            if (Stopwatch.GetTimestamp() > end) return new NetworkFailure($"{PasstProgram.Name} does not answer", "try again, or choose another network");
        }
    }

    private static void End(Process? process)
    {
        if (process is null) return;
        if (!process.HasExited) process.Kill();
        process.WaitForExit();
        process.Dispose();
    }
}
