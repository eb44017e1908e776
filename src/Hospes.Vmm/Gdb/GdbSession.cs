using System.Globalization;
using System.Text;
using Hospes.Hypervisor;

namespace Hospes.Vmm.Gdb;

/// <summary>
/// One debugger's session (GDB's remote protocol; its manual, appendix E). While it lasts and nothing was asked to run, the domain is held. What a
/// debugger sends is checked: a packet that is wrong gets an error, one that is unknown an empty answer.
/// </summary>
/// <param name="stream">The way to the debugger and back.</param>
/// <param name="target">The domain.</param>
internal sealed class GdbSession(Stream stream, GdbTarget target)
{
    private const int LongestMemory = 0x1000;
    private const char Interrupt = '\x03';
    private const string Ok = "OK", BadArguments = "E16", Fault = "E0e";

    private readonly byte[] _buffer = new byte[GdbWire.LongestPacket];
    private int _next, _filled;
    private bool _acknowledges = true, _isOver;
    private int _vcpu;
    private Task<int>? _reading;

    /// <summary>Serves the session to its end.</summary>
    /// <param name="cancellation">Ends it.</param>
    public async Task RunAsync(CancellationToken cancellation)
    {
        await target.Built.WaitAsync(cancellation).ConfigureAwait(false);
        target.Pause();
        while (!_isOver && await ReadAsync(cancellation).ConfigureAwait(false) is { } packet)
        {
            // An interrupt while nothing runs is none.
            if (packet == Interrupt.ToString()) continue;
            string? answer = packet.StartsWith("vCont;", StringComparison.Ordinal) || packet is "c" or "s"
                ? await GoAsync(packet, cancellation).ConfigureAwait(false)
                : Handle(packet);
            if (answer is not null) await SendAsync(answer, cancellation).ConfigureAwait(false);
        }
    }

    private string? Handle(string packet)
    {
        string rest = packet.Length > 0 ? packet[1..] : "";
        switch (packet.Length > 0 ? packet[0] : '\0')
        {
            case '?':
                return Stop(5, _vcpu);
            case 'g':
                return ReadAll();
            case 'G':
                return WriteAll(rest);
            case 'p':
                return GdbWire.TryNumber(rest, out ulong number) ? ReadOne(number) : BadArguments;
            case 'P':
                return WriteOne(rest);
            case 'm':
                return ReadMemory(rest);
            case 'M' or 'X':
                return WriteMemory(rest, isBinary: packet[0] == 'X');
            case 'Z' or 'z':
                return ChangePoint(rest, isSet: packet[0] == 'Z');
            case 'H':
                return SelectThread(rest);
            case 'T':
                return TryThread(rest, out int at) && at >= 0 ? Ok : BadArguments;
            case 'D':
                _isOver = true;
                return Ok;
            case 'k':
                _isOver = true;
                return null;
            case 'q' or 'Q':
                return Query(packet);
            default:
                return packet == "vCont?" ? "vCont;c;C;s;S" : "";
        }
    }

    private string Query(string packet)
    {
        const string Features = "qXfer:features:read:target.xml:";
        if (packet.StartsWith("qSupported", StringComparison.Ordinal))
            return string.Create(CultureInfo.InvariantCulture, $"PacketSize={GdbWire.LongestPacket:x};qXfer:features:read+;QStartNoAckMode+;vContSupported+;swbreak+;hwbreak+");
        if (packet.StartsWith(Features, StringComparison.Ordinal))
            return GdbWire.TryRange(packet[Features.Length..], out ulong offset, out ulong length) ? Part(GdbRegisters.Description, offset, length) : BadArguments;
        if (packet.StartsWith("qThreadExtraInfo,", StringComparison.Ordinal)) return Extra(packet[(packet.IndexOf(',') + 1)..]);
        switch (packet)
        {
            case "QStartNoAckMode":
                _acknowledges = false;
                return Ok;
            case "qfThreadInfo":
                return "m" + string.Join(',', Enumerable.Range(1, target.Processors).Select(static id => id.ToString("x", CultureInfo.InvariantCulture)));
            case "qsThreadInfo":
                return "l";
            case "qC":
                return string.Create(CultureInfo.InvariantCulture, $"QC{_vcpu + 1:x}");
            case "qAttached":
                return "1";
            // QEMU's own: whether addresses are guest-physical.
            case "qqemu.PhyMemMode":
                return target.IsPhysical ? "1" : "0";
            case "Qqemu.PhyMemMode:1" or "Qqemu.PhyMemMode:0":
                target.IsPhysical = packet[^1] == '1';
                return Ok;
            default:
                return "";
        }
    }

    /// <summary>Lets the domain run until something stops.</summary>
    /// <returns>The answer; null when the session is over.</returns>
    private async Task<string?> GoAsync(string packet, CancellationToken cancellation)
    {
        if (!TryActions(packet, out int? step, out bool only)) return BadArguments;
        if (!target.Resume(step, only)) return Stop(5, _vcpu);
        Task<bool> stopping = target.Stops.WaitToReadAsync(cancellation).AsTask();
        while (true)
        {
            Task<int> reading = _next < _filled ? Task.FromResult(1) : _reading ??= stream.ReadAsync(_buffer.AsMemory(), cancellation).AsTask();
            if (await Task.WhenAny(stopping, reading).ConfigureAwait(false) == stopping)
            {
                if (!await stopping.ConfigureAwait(false)) return "W00";
                if (target.Stops.TryRead(out GdbStop stop)) return Report(stop);
                stopping = target.Stops.WaitToReadAsync(cancellation).AsTask();
                continue;
            }
            if (_next == _filled)
            {
                (_next, _filled) = (0, await reading.ConfigureAwait(false));
                _reading = null;
                if (_filled == 0)
                {
                    _isOver = true;
                    return null;
                }
            }
            // Only the interrupt means something while the domain runs.
            if (_buffer[_next++] != Interrupt) continue;
            target.Pause();
        }
    }

    /// <summary>Reads what is to run: <c>c</c>, <c>s</c>, or <c>vCont</c> with an action for each thread.</summary>
    private bool TryActions(string packet, out int? step, out bool only)
    {
        step = packet == "s" ? _vcpu : null;
        only = false;
        if (packet is "c" or "s") return true;
        bool continues = false;
        foreach (string action in packet.Split(';').Skip(1))
        {
            string[] parts = action.Split(':');
            int thread = -1;
            if (parts.Length == 2 && !TryThread(parts[1], out thread)) return false;
            if (parts[0].Length == 0 || parts[0][0] is not ('c' or 'C' or 's' or 'S')) return false;
            if (parts[0][0] is 's' or 'S') step ??= thread < 0 ? _vcpu : thread;
            else continues |= thread < 0 || thread != step;
        }
        // A thread without an action stays where it is.
        only = step is not null && !continues;
        return true;
    }

    private string Report(in GdbStop stop)
    {
        if (stop.Reason == DebugStop.None) return Stop(2, _vcpu);
        target.Settle();
        _vcpu = stop.Vcpu;
        return stop.Reason == DebugStop.Watchpoint
            ? string.Create(CultureInfo.InvariantCulture, $"T05thread:{_vcpu + 1:x};watch:{stop.Address:x};")
            : Stop(5, _vcpu);
    }

    private static string Stop(int signal, int vcpu) => string.Create(CultureInfo.InvariantCulture, $"T{signal:x2}thread:{vcpu + 1:x};");

    private string ReadAll()
    {
        if (target.ReadState(_vcpu) is not { } state) return Fault;
        var text = new StringBuilder();
        Span<byte> value = stackalloc byte[16];
        foreach (GdbRegisters.Register register in GdbRegisters.All)
        {
            GdbRegisters.Read(state, register, value);
            text.Append(GdbWire.Hex(value[..register.Size]));
        }
        return text.ToString();
    }

    private string ReadOne(ulong number)
    {
        if (number >= (ulong)GdbRegisters.All.Count || target.ReadState(_vcpu) is not { } state) return BadArguments;
        GdbRegisters.Register register = GdbRegisters.All[(int)number];
        Span<byte> value = stackalloc byte[16];
        GdbRegisters.Read(state, register, value);
        return GdbWire.Hex(value[..register.Size]);
    }

    private string WriteAll(string digits)
    {
        if (GdbWire.Bytes(digits) is not { } bytes || target.ReadState(_vcpu) is not { } state) return BadArguments;
        int at = 0;
        foreach (GdbRegisters.Register register in GdbRegisters.All)
        {
            if (at + register.Size > bytes.Length) break;
            register.Set?.Invoke(state, bytes.AsSpan(at, register.Size));
            at += register.Size;
        }
        return target.WriteState(_vcpu, state) ? Ok : Fault;
    }

    private string WriteOne(string text)
    {
        int equal = text.IndexOf('=');
        if (equal < 0 || !GdbWire.TryNumber(text.AsSpan(0, equal), out ulong number) || number >= (ulong)GdbRegisters.All.Count || GdbWire.Bytes(text[(equal + 1)..]) is not { } bytes) return BadArguments;
        GdbRegisters.Register register = GdbRegisters.All[(int)number];
        if (bytes.Length != register.Size || register.Set is null || target.ReadState(_vcpu) is not { } state) return BadArguments;
        register.Set(state, bytes);
        return target.WriteState(_vcpu, state) ? Ok : Fault;
    }

    private string ReadMemory(string text)
    {
        if (!GdbWire.TryRange(text, out ulong address, out ulong length)) return BadArguments;
        byte[] bytes = new byte[Math.Min(length, LongestMemory)];
        int count = target.Access(_vcpu, address, bytes, []);
        return count == 0 && length > 0 ? Fault : GdbWire.Hex(bytes.AsSpan(0, count));
    }

    private string WriteMemory(string text, bool isBinary)
    {
        int colon = text.IndexOf(':');
        if (colon < 0 || !GdbWire.TryRange(text[..colon], out ulong address, out ulong length)) return BadArguments;
        byte[]? bytes = isBinary ? Encoding.Latin1.GetBytes(GdbWire.Unescape(text[(colon + 1)..])) : GdbWire.Bytes(text[(colon + 1)..]);
        if (bytes is null || (ulong)bytes.Length != length) return BadArguments;
        return bytes.Length == 0 || target.Access(_vcpu, address, [], bytes) == bytes.Length ? Ok : Fault;
    }

    /// <summary>Breakpoints in software and hardware are the same here, and as many as one likes; so are watchpoints.</summary>
    private string ChangePoint(string text, bool isSet)
    {
        if (text.Length < 2 || text[1] != ',' || !GdbWire.TryRange(text[2..], out ulong address, out ulong size)) return BadArguments;
        switch (text[0])
        {
            case '0' or '1':
                target.Change(address, null, isSet);
                return Ok;
            case '2' or '3' or '4' when size is > 0 and <= LongestMemory:
                target.Change(0, new Watchpoint(address, size, OnRead: text[0] != '2', OnWrite: text[0] != '3'), isSet);
                return Ok;
            default:
                return "";
        }
    }

    private string SelectThread(string text)
    {
        if (text.Length < 2 || !TryThread(text[1..], out int vcpu)) return BadArguments;
        if (text[0] == 'g' && vcpu >= 0) _vcpu = vcpu;
        return Ok;
    }

    private string Extra(string text)
    {
        if (!TryThread(text, out int vcpu) || vcpu < 0 || target.ReadState(vcpu) is not { } state) return BadArguments;
        string activity = state.Activity switch
        {
            VcpuActivity.Running => "running",
            VcpuActivity.Halted => "halted",
            VcpuActivity.WaitForSipi => "waiting for its start",
            _ => "shut down",
        };
        return GdbWire.Hex(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"CPU#{vcpu} [{activity}]")));
    }

    /// <summary>Reads a thread's number: a processor, or -1 for any and all.</summary>
    private bool TryThread(string text, out int vcpu)
    {
        vcpu = -1;
        if (text is "-1" or "0") return true;
        if (!GdbWire.TryNumber(text, out ulong id) || id == 0 || id > (ulong)target.Processors) return false;
        vcpu = (int)id - 1;
        return true;
    }

    private static string Part(string text, ulong offset, ulong length)
    {
        if (offset >= (ulong)text.Length) return "l";
        int count = (int)Math.Min(Math.Min(length, GdbWire.LongestPacket / 2), (ulong)text.Length - offset);
        return (offset + (ulong)count == (ulong)text.Length ? "l" : "m") + text.Substring((int)offset, count);
    }

    private async ValueTask SendAsync(string answer, CancellationToken cancellation) => await stream.WriteAsync(GdbWire.Frame(answer), cancellation).ConfigureAwait(false);

    /// <summary>Reads a packet, or an interrupt.</summary>
    /// <returns>Null at the end of the stream.</returns>
    private async ValueTask<string?> ReadAsync(CancellationToken cancellation)
    {
        var content = new StringBuilder();
        while (true)
        {
            int start = await ByteAsync(cancellation).ConfigureAwait(false);
            if (start < 0) return null;
            if (start == Interrupt) return Interrupt.ToString();
            if (start != '$') continue;
            content.Clear();
            int at;
            while ((at = await ByteAsync(cancellation).ConfigureAwait(false)) >= 0 && at != '#')
            {
                // One that is too long is no packet: the rest of it is passed over.
                if (content.Length <= GdbWire.LongestPacket) content.Append((char)at);
            }
            int high = await ByteAsync(cancellation).ConfigureAwait(false), low = await ByteAsync(cancellation).ConfigureAwait(false);
            if (low < 0) return null;
            bool isGood = content.Length <= GdbWire.LongestPacket
                && byte.TryParse([(char)high, (char)low], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte sum) && sum == GdbWire.Sum(content.ToString());
            if (_acknowledges) await stream.WriteAsync(isGood ? "+"u8.ToArray() : "-"u8.ToArray(), cancellation).ConfigureAwait(false);
            if (isGood) return content.ToString();
        }
    }

    private async ValueTask<int> ByteAsync(CancellationToken cancellation)
    {
        if (_next == _filled)
        {
            Task<int> reading = _reading ?? stream.ReadAsync(_buffer.AsMemory(), cancellation).AsTask();
            _reading = null;
            (_next, _filled) = (0, await reading.ConfigureAwait(false));
            if (_filled == 0) return -1;
        }
        return _buffer[_next++];
    }
}
