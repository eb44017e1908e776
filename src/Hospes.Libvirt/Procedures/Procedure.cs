using Hospes.Libvirt.Server;
using Hospes.Libvirt.Wire;

namespace Hospes.Libvirt.Procedures;

/// <summary>What a call carries, as it is read from a message.</summary>
/// <typeparam name="T">The type itself.</typeparam>
internal interface IArguments<T> where T : struct
{
    static abstract T Read(ref XdrReader reader);
}

/// <summary>What an answer carries.</summary>
internal interface IResult
{
    void Write(XdrWriter writer);
}

/// <summary>Who may call.</summary>
internal enum Access
{
    /// <summary>Everybody, also before a connection is opened.</summary>
    Anybody,

    /// <summary>Every opened connection.</summary>
    Read,

    /// <summary>Opened connections that are not read-only.</summary>
    Write,
}

/// <summary>One row of the table: a procedure of libvirt's protocol.</summary>
internal abstract class Procedure(int number, string name, Access access)
{
    public int Number => number;

    /// <summary>The name of the function that people call.</summary>
    public string Name => name;

    public Access Access => access;

    /// <summary>Does a call and answers it. Complete when the answer is on its way.</summary>
    public abstract ValueTask CallAsync(ClientSession session, uint serial, ReadOnlySpan<byte> arguments);

    /// <summary>A row whose work needs no waiting.</summary>
    public static Procedure Now<TArguments, TResult>(int number, string name, Access access, Func<ClientSession, TArguments, Answer<TResult>> work)
        where TArguments : struct, IArguments<TArguments> where TResult : struct, IResult => new Immediate<TArguments, TResult>(number, name, access, work);

    /// <summary>A row whose work may wait.</summary>
    public static Procedure Later<TArguments, TResult>(int number, string name, Access access, Func<ClientSession, TArguments, ValueTask<Answer<TResult>>> work)
        where TArguments : struct, IArguments<TArguments> where TResult : struct, IResult => new Waiting<TArguments, TResult>(number, name, access, work);

    private static LibvirtError Undecodable { get; } = new(ErrorCode.Rpc, ErrorDomain.Rpc, "Unable to decode message payload");

    private sealed class Immediate<TArguments, TResult>(int number, string name, Access access, Func<ClientSession, TArguments, Answer<TResult>> work) : Procedure(number, name, access)
        where TArguments : struct, IArguments<TArguments> where TResult : struct, IResult
    {
        public override ValueTask CallAsync(ClientSession session, uint serial, ReadOnlySpan<byte> arguments)
        {
            var reader = new XdrReader(arguments);
            TArguments given = TArguments.Read(ref reader);
            if (reader.Complete) session.Answer(Number, serial, work(session, given));
            else session.Fail(Number, serial, Undecodable);
            return ValueTask.CompletedTask;
        }
    }

    private sealed class Waiting<TArguments, TResult>(int number, string name, Access access, Func<ClientSession, TArguments, ValueTask<Answer<TResult>>> work) : Procedure(number, name, access)
        where TArguments : struct, IArguments<TArguments> where TResult : struct, IResult
    {
        public override ValueTask CallAsync(ClientSession session, uint serial, ReadOnlySpan<byte> arguments)
        {
            var reader = new XdrReader(arguments);
            TArguments given = TArguments.Read(ref reader);
            if (reader.Complete) return AnswerAsync(session, serial, given);
            session.Fail(Number, serial, Undecodable);
            return ValueTask.CompletedTask;
        }

        private async ValueTask AnswerAsync(ClientSession session, uint serial, TArguments given) => session.Answer(Number, serial, await work(session, given).ConfigureAwait(false));
    }
}
