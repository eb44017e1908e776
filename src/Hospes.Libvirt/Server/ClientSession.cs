using System.Buffers.Binary;
using System.Net.Sockets;
using Hospes.Domains;
using Hospes.Libvirt.Procedures;
using Hospes.Libvirt.Wire;

namespace Hospes.Libvirt.Server;

/// <summary>One client: reads its messages, has its calls done, several at a time, and sends it answers and events.</summary>
internal sealed partial class ClientSession : IDisposable
{
    /// <summary>Calls under way of one client, beyond which nothing more is read from it (libvirtd's <c>max_client_requests</c>).</summary>
    private const int MaximumCalls = 5;

    private const int KeepAlivePing = 1;
    private const int KeepAlivePong = 2;
    private readonly Socket _socket;
    private readonly LibvirtServer _server;
    private readonly Outgoing _outgoing;
    private readonly SemaphoreSlim _calls = new(MaximumCalls, MaximumCalls);
    private readonly CancellationTokenSource _end = new();
    private byte[] _buffer = new byte[8192];
    private int _filled;

    public ClientSession(LibvirtServer server, Socket socket, bool readOnlySocket)
    {
        _server = server;
        _socket = socket;
        IsReadOnly = readOnlySocket;
        _outgoing = new Outgoing(socket, Break);
    }

    public DomainHost Host => _server.Host;

    public LibvirtServer Server => _server;

    /// <summary>Whether a connection to the driver is open.</summary>
    public bool IsOpen { get; set; }

    /// <summary>Whether nothing may be changed.</summary>
    public bool IsReadOnly { get; set; }

    /// <summary>The URI that the client asked for.</summary>
    public string? Uri { get; set; }

    /// <summary>Serves until the client goes: on a thread of its own while it calls and there are not too many who do, else wherever the client's bytes come.</summary>
    public async Task RunAsync()
    {
        try
        {
            if (_server.Attendance.TryEnter())
            {
                try
                {
                    bool goes = await Task.Factory.StartNew(Attend, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
                    if (goes) return;
                }
                finally
                {
                    _server.Attendance.Leave();
                }
            }
            while (true)
            {
                int read = await _socket.ReceiveAsync(_buffer.AsMemory(_filled), _end.Token).ConfigureAwait(false);
                if (read == 0 || !await TakeBytesAsync(read).ConfigureAwait(false)) return;
            }
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // The client is gone, or was sent away.
        }
    }

    /// <summary>Answers a call.</summary>
    public void Answer<T>(int procedure, uint serial, in Answer<T> answer) where T : struct, IResult
    {
        if (answer.Error is { } error) Fail(procedure, serial, error);
        else _outgoing.Send(Header(procedure, MessageType.Reply, serial, MessageStatus.Ok), answer.Value, static (writer, value) => value.Write(writer));
    }

    /// <summary>Answers a call with an error.</summary>
    public void Fail(int procedure, uint serial, LibvirtError error) => _outgoing.Send(Header(procedure, MessageType.Reply, serial, MessageStatus.Error), error, static (writer, value) => value.Write(writer));

    /// <summary>Sends the client away.</summary>
    public void Break()
    {
        _end.Cancel();
        try
        {
            // For a thread that waits.
            _socket.Shutdown(SocketShutdown.Receive);
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            // The client went first.
        }
    }

    public void Dispose()
    {
        _end.Cancel();
        EndDomains();
        EndEvents();
        EndWatches();
        EndStreams();
        _outgoing.Close();
        _socket.Dispose();
    }

    private static MessageHeader Header(int procedure, MessageType type, uint serial, MessageStatus status) => new(WireLimits.RemoteProgram, WireLimits.Version, procedure, type, serial, status);

    /// <summary>Serves on this thread, which waits for the client itself: an answer then needs no other thread to be woken.</summary>
    /// <returns>Whether the client goes; otherwise it has not called for a while.</returns>
    private bool Attend()
    {
        while (_socket.Poll(Attendance.Patience, SelectMode.SelectRead))
        {
            _end.Token.ThrowIfCancellationRequested();
            int read = _socket.Receive(_buffer.AsSpan(_filled));
            if (read == 0 || !TakeBytesAsync(read).AsTask().GetAwaiter().GetResult()) return true;
        }
        return false;
    }

    /// <summary>Takes the messages that are whole now.</summary>
    /// <returns>Whether they can be messages.</returns>
    private async ValueTask<bool> TakeBytesAsync(int read)
    {
        _filled += read;
        int taken = 0;
        while (TryFrame(_buffer.AsSpan(taken, _filled - taken), out int length))
        {
            if (length < 0) return false;
            ValueTask work = TakeAsync(_buffer.AsSpan(taken + WireLimits.Length, length - WireLimits.Length));
            taken += length;
            if (!work.IsCompletedSuccessfully) await HoldAsync(work).ConfigureAwait(false);
        }
        _filled -= taken;
        if (taken > 0) _buffer.AsSpan(taken, _filled).CopyTo(_buffer);
        _buffer = Fit(_buffer, _filled);
        return true;
    }

    /// <summary>Whether a whole message is there; a length that none can have reads as negative.</summary>
    private static bool TryFrame(ReadOnlySpan<byte> input, out int length)
    {
        length = 0;
        if (input.Length < WireLimits.Length) return false;
        uint said = BinaryPrimitives.ReadUInt32BigEndian(input);
        length = said is < WireLimits.Length + WireLimits.Header or > WireLimits.Length + WireLimits.Message ? -1 : (int)said;
        return length < 0 || input.Length >= length;
    }

    /// <summary>Room for what is to come: large messages get it as they arrive, not as they are announced.</summary>
    private static byte[] Fit(byte[] buffer, int filled)
    {
        if (filled == 0 && buffer.Length > 1 << 18) return new byte[8192];
        if (filled < buffer.Length) return buffer;
        Array.Resize(ref buffer, Math.Min(buffer.Length * 4, WireLimits.Length + WireLimits.Message));
        return buffer;
    }

    /// <summary>Lets a call that waits go on beside the next ones, up to the limit.</summary>
    private async ValueTask HoldAsync(ValueTask work)
    {
        await _calls.WaitAsync(_end.Token).ConfigureAwait(false);
        _ = FinishAsync(work);
    }

    private async Task FinishAsync(ValueTask work)
    {
        try
        {
            await work.ConfigureAwait(false);
        }
        catch (Exception fault) when (fault is ObjectDisposedException or OperationCanceledException)
        {
            // The client went while its call was under way.
        }
        finally
        {
            _calls.Release();
        }
    }

    private ValueTask TakeAsync(ReadOnlySpan<byte> message)
    {
        var reader = new XdrReader(message);
        MessageHeader header = MessageHeader.Read(ref reader);
        ReadOnlySpan<byte> payload = message[WireLimits.Header..];
        if (header is { Program: WireLimits.KeepAliveProgram, Version: WireLimits.Version, Type: MessageType.Message })
        {
            if (header.Procedure == KeepAlivePing) _outgoing.Send(header with { Procedure = KeepAlivePong }, 0, static (_, _) => { });
            return ValueTask.CompletedTask;
        }
        if (header.Program != WireLimits.RemoteProgram || header.Version != WireLimits.Version)
        {
            if (header.Type == MessageType.Call)
            {
                var error = new LibvirtError(ErrorCode.Rpc, ErrorDomain.Rpc, $"Cannot find program {header.Program} version {header.Version}");
                _outgoing.Send(header with { Type = MessageType.Reply, Status = MessageStatus.Error }, error, static (writer, value) => value.Write(writer));
            }
            return ValueTask.CompletedTask;
        }
        switch (header.Type)
        {
            case MessageType.Call:
                return CallAsync(header, payload);
            case MessageType.Stream:
                return TakeStreamAsync(header, payload);
            case MessageType.CallWithFiles:
                Fail(header.Procedure, header.Serial, new LibvirtError(ErrorCode.Rpc, ErrorDomain.Rpc, "file descriptors cannot be passed"));
                return ValueTask.CompletedTask;
            default:
                Fail(header.Procedure, header.Serial, new LibvirtError(ErrorCode.Rpc, ErrorDomain.Rpc, $"Unexpected message type {(int)header.Type}"));
                return ValueTask.CompletedTask;
        }
    }

    private ValueTask CallAsync(in MessageHeader header, ReadOnlySpan<byte> arguments)
    {
        Procedure? procedure = ProcedureTable.Find(header.Procedure);
        LibvirtError? refusal = null;
        if (header.Status != MessageStatus.Ok) refusal = new LibvirtError(ErrorCode.Rpc, ErrorDomain.Rpc, $"Unexpected message status {(int)header.Status}");
        else if (procedure is null) refusal = ProcedureTable.Missing(header.Procedure);
        else if (!IsOpen && procedure.Access != Access.Anybody) refusal = new LibvirtError(ErrorCode.InternalError, ErrorDomain.Rpc, "connection not open");
        else if (IsReadOnly && procedure.Access == Access.Write) refusal = new LibvirtError(ErrorCode.OperationDenied, ErrorDomain.Domain, procedure.Name);
        if (refusal is null) return procedure!.CallAsync(this, header.Serial, arguments);
        Fail(header.Procedure, header.Serial, refusal);
        return ValueTask.CompletedTask;
    }
}
