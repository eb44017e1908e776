using System.Diagnostics;
using System.Net.Sockets;
using Hospes.Store.Server;
using Hospes.Store.Wire;
using NetworkSocket = System.Net.Sockets.Socket;

namespace Hospes.Store.Tests.Support;

/// <summary>A server at a socket in a folder of its own, served on a thread.</summary>
internal sealed class RunningServer : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public RunningServer(Func<StoreServerOptions, StoreServerOptions>? change = null)
    {
        Socket = _folder.File("socket");
        var options = new StoreServerOptions { SocketPath = Socket, Log = Log };
        Options = change is null ? options : change(options);
        Server = new StoreServer(Options);
        Server.Start();
    }

    public StoreServerOptions Options { get; }

    public StoreServer Server { get; }

    public string Socket { get; }

    public string Folder => _folder.Path;

    public ListLog Log { get; } = new();

    /// <summary>A connection to the socket, or to one beside it.</summary>
    public NetworkSocket Connect(string suffix = "")
    {
        var socket = new NetworkSocket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = 20_000, SendTimeout = 20_000 };
        socket.Connect(new UnixDomainSocketEndPoint(Socket + suffix));
        return socket;
    }

    /// <summary>The next message from the server.</summary>
    public static Received Receive(NetworkSocket socket)
    {
        byte[] Take(int count)
        {
            var bytes = new byte[count];
            for (int got = 0; got < count;)
            {
                int received = socket.Receive(bytes, got, count - got, SocketFlags.None);
                if (received == 0) throw new EndOfStreamException();
                got += received;
            }
            return bytes;
        }
        XsHeader header = XsHeader.Read(Take(XsWire.HeaderSize));
        return new Received((XsMessageType)header.Type, header.RequestId, header.TransactionId, header.Length == 0 ? [] : Take((int)header.Length));
    }

    public void Dispose()
    {
        Server.Dispose();
        _folder.Dispose();
    }
}

/// <summary>What a program wrote, and how it ended.</summary>
internal sealed record ProgramResult(int Status, string Out, string Error)
{
    public string Good => Status == 0 ? Out : throw new InvalidOperationException($"status {Status}: {Out}{Error}");
}

/// <summary>Programs of the host, run against a server.</summary>
internal static class Programs
{
    /// <summary>Where the test preparation puts the programs of xen-utils.</summary>
    public static string XenTools => Path.Combine(
        Environment.GetEnvironmentVariable("XDG_CACHE_HOME") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"),
        "hospes/tests/xen/root/usr/lib/xen-4.17/bin");

    public static async Task<ProgramResult> RunAsync(string socket, string program, params string[] arguments)
    {
        using Process process = Start(socket, program, arguments);
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return new ProgramResult(process.ExitCode, output, await error);
    }

    public static Process Start(string socket, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        start.Environment["XENSTORED_PATH"] = socket;
        return Process.Start(start)!;
    }
}
